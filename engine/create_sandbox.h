/* SPDX-License-Identifier: Apache-2.0 */
/* What a new container's sandbox differs in from the default one. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>

/* What the flags of the same names were given with; NULL and empty: the default. */
struct sandbox_options {
    struct strv cap_add, cap_drop;
    struct strv security_opt, ulimits, sysctls, devices;
    char *pid, *ipc, *uts, *cgroupns; /* private, host, container:NAME, ns:PATH */
    char *userns; /* host, keep-id[:uid=,gid=], nomap, auto[:size=], container:NAME, ns:PATH */
    struct strv uidmaps, gidmaps, group_add;
    char *umask, *shm_size, *read_only_tmpfs;
    bool privileged, init;
};

/* Checks them and puts them into Config and HostConfig of `document`, as podman names them. Files
 * are read now (a seccomp profile) or looked up (devices), nothing is made. */
int create_sandbox(const struct sandbox_options *o, json_t *document, struct err *err);

/* For inspect: adds the capabilities that come out to a copy of config.json, and takes away what is
 * not to be shown. */
void sandbox_show(json_t *document);
