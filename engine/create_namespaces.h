/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespaces a new container shares. */
#pragma once

#include "engine/create_network.h"
#include "engine/create_sandbox.h"
#include "engine/engine.h"

/* Checks the modes of --network, --pid, --ipc, --uts and --cgroupns and puts them into HostConfig;
 * "container:NAME" becomes "container:ID". `hostname`: one was asked for. */
int create_namespaces(struct engine *e, const struct sandbox_options *o,
                      const struct network_options *network, bool hostname, json_t *host,
                      struct err *err);

/* Whether HostConfig[key] is a namespace that is not the container's own. */
bool namespace_is_shared(const json_t *host, const char *key);

/* The name by which a container goes that shares a UTS namespace or the machine's network; NULL:
 * one of its own. The caller frees. */
char *namespaces_hostname(struct engine *e, const json_t *host);
