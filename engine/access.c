/* SPDX-License-Identifier: Apache-2.0 */
/* How a registry is reached. */
#include "engine/access.h"

#include "registry/credentials.h"

#include <string.h>

int registry_access_open(const struct registry_access *a, const struct registries *conf,
                         const struct registry_endpoint *at, atomic_bool *cancel,
                         struct registry **ret, struct err *err)
{
    auto_done(credentials) struct credentials stored = {0};
    struct registry_options o = {
        .registry = at->registry,
        .insecure = a->tls_verify ? strcmp(a->tls_verify, "false") == 0 : at->insecure,
        .cert_dir = a->cert_dir,
        .user = a->user,
        .password = a->password,
        .retries = a->retries,
        .retry_delay = a->retry_delay,
        .cancel = cancel,
    };
    if (!a->user) {
        struct credential_places places = {.authfile = a->authfile, .helpers = &conf->helpers};
        int r = credentials_find(&places, at->registry, at->repository, &stored, err);
        if (r < 0)
            return r;
        o.user = stored.user;
        o.password = stored.password;
        o.identity_token = stored.identity_token;
    }
    return registry_open(&o, ret, err);
}
