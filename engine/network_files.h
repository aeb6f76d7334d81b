/* SPDX-License-Identifier: Apache-2.0 */
/* The files that stand in for the image's: /etc/hosts, /etc/resolv.conf, /etc/hostname and
 * /run/.containerenv. They lie in the container's (or build step's) own directory and are bound
 * over the image's, so they never get into a layer. */
#pragma once

#include "base/err.h"
#include "netns/config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Name in the container's directory, path in the container. */
struct network_file {
    const char *name, *target;
};
#define NETWORK_FILES 4
extern const struct network_file network_files[NETWORK_FILES];

/* Whether it is bound over the image's: not with --no-hosts and --dns=none. `host`: HostConfig. */
bool network_file_wanted(size_t i, const json_t *host);

/* Writes all of them into `dirfd`. `alias` is a second name for the container; `host` (or NULL) the
 * HostConfig with the hosts and servers that were asked for; `network` what it is in, or NULL;
 * `shared` the directory of the container whose network that is, or -1: its hosts and servers are
 * taken in place of the machine's, whatever it has written into them (hostile). */
int network_files_write(int dirfd, const char *hostname, const char *alias, const json_t *host,
                        const struct netns_config *network, int shared, struct err *err);
