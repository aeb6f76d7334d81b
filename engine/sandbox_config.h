/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's config.json to the sandbox it describes. */
#pragma once

#include "base/cleanup.h"
#include "netns/config.h"
#include "runtime/cgroup.h"
#include "runtime/sandbox.h"
#include "store/store.h"

struct sandbox_config {
    struct sandbox sandbox; /* its strings belong to this struct or to the container */
    struct sandbox_mount *mounts;
    size_t n_mounts;
    uint32_t n_served; /* of MOUNT_SERVED */
    struct sandbox_limit *limits;
    struct sandbox_sysctl *sysctls;
    struct sandbox_device *devices;
    struct sock_filter *seccomp;
    int ns_fds[2 * NS_KINDS]; /* sandbox_namespaces_open() */
    size_t n_ns_fds;
    struct cgroup cgroup; /* sandbox_resources_make() or _join() */
    struct strv owned;    /* strings made on the way */
    bool auto_remove;
    bool has_network; /* of its own, with a way out: */
    struct netns_config network;
};

/* Reads c->config. The result points into `c`, which must outlive it. `ids`: what the container
 * runs with (join_read_maps()); NULL: what it asks for is chosen. */
int sandbox_config_read(struct sandbox_config *ret, struct store *s,
                        const struct store_container *c, const struct id_maps *ids,
                        struct err *err);
/* Keeps `s`, which was allocated, as long as `config`. Returns it. */
const char *sandbox_config_own(struct sandbox_config *config, char *s);
/* Appends a copy; its strings must live as long as `config`. */
void sandbox_config_add_mount(struct sandbox_config *config, const struct sandbox_mount *mount);
void sandbox_config_done(struct sandbox_config *config);

DEFINE_AUTO(sandbox_config, sandbox_config_done)
