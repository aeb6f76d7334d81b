/* SPDX-License-Identifier: Apache-2.0 */
/* --env of create, run and exec. */
#include "engine/environment.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "NAME*": all of ours that begin so. */
static void assign_matching(struct strv *env, const char *prefix, size_t len)
{
    for (char **e = environ; *e; e++)
        if (strncmp(*e, prefix, len) == 0 && strchr(*e, '='))
            strv_env_set(env, *e);
}

int environment_assign(struct strv *env, const struct strv *assignments, struct err *err)
{
    for (size_t i = 0; assignments && i < assignments->len; i++) {
        const char *e = assignments->v[i];
        if (*e == 0 || *e == '=')
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid environment variable \"%s\"", e);
        if (strchr(e, '=')) {
            strv_env_set(env, e);
            continue;
        }
        if (e[strlen(e) - 1] == '*') {
            assign_matching(env, e, strlen(e) - 1);
            continue;
        }
        const char *value = getenv(e);
        if (value) {
            auto_free char *pair = xasprintf("%s=%s", e, value);
            strv_env_set(env, pair);
        }
    }
    return 0;
}
