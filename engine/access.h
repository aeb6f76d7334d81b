/* SPDX-License-Identifier: Apache-2.0 */
/* How a registry is reached: what the options of pull, push, login and search say about it. */
#pragma once

#include "base/err.h"
#include "registry/registry.h"
#include "spec/registries.h"

#include <stdatomic.h>

struct registry_access {
    const char *authfile;        /* or NULL */
    const char *user, *password; /* instead of what is stored; or NULL */
    const char *cert_dir;        /* or NULL */
    const char *tls_verify;      /* "true", "false"; NULL: as registries.conf says */
    int retries, retry_delay;    /* as in registry.h */
};

/* Opens the registry of an endpoint, which `conf` led to, with the credentials for it. */
int registry_access_open(const struct registry_access *a, const struct registries *conf,
                         const struct registry_endpoint *at, atomic_bool *cancel,
                         struct registry **ret, struct err *err);
