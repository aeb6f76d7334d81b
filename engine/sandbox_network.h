/* SPDX-License-Identifier: Apache-2.0 */
/* From HostConfig to the network that a container has of its own. */
#pragma once

#include "base/err.h"
#include "netns/config.h"
#include "store/store.h"

#include <jansson.h>

#define NETWORK_PRIVATE "slirp4netns" /* in HostConfig.NetworkMode, as podman writes it */

/* 1: filled in; 0: its network is another's, or it has none; or a negative errno. */
int sandbox_network_read(const json_t *document, struct netns_config *ret, struct err *err);

/* Writes the files of engine/network_files.h for `c`. Who joins another container's network has its
 * hosts and servers, too. */
int sandbox_network_files(struct store *s, const struct store_container *c, const char *hostname,
                          struct err *err);

/* Whether the host can be reached by an address. `host`: HostConfig. */
bool network_reaches_host(const json_t *host);

/* inspect's NetworkSettings but the ports. New reference. */
json_t *network_inspect(const json_t *document);
