/* SPDX-License-Identifier: Apache-2.0 */
/* What a new container finds around it: variables, names of hosts and users, the time zone. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>

/* What the flags of the same names were given with; NULL and empty: the default. */
struct environment_options {
    struct strv env_merge, unset_env, annotations, host_users;
    struct strv add_hosts, dns, dns_options, dns_search;
    char *tz, *http_proxy, *passwd, *passwd_entry, *group_entry;
    bool env_host, unset_env_all, no_hosts;
};

/* The variables that a container has before --env: ours (--env-host), the image's, the proxies that
 * we use; without those that --unsetenv names. Appended to *ret. */
void environment_defaults(const struct environment_options *o, const struct strv *image,
                          struct strv *ret);

/* Checks the rest and puts it into Config and HostConfig of `document`; what is as everywhere is
 * left out. */
int create_environment(const struct environment_options *o, json_t *document, struct err *err);
