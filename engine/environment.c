/* SPDX-License-Identifier: Apache-2.0 */
/* --env of create, run and exec. */
#include "engine/environment.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "runtime/command.h"

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

/* The name behind a '$': *ret_end is what follows it. NULL: it is only a '$'. */
static char *variable_name(const char *p, const char **ret_end)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *name = *p == '{' ? p + 1 : p;
    size_t len = strspn(name, letters);
    if (len == 0 || (*p == '{' && name[len] != '}'))
        return NULL;
    *ret_end = name + len + (*p == '{');
    return xstrndup(name, len);
}

static char *expand(const struct strv *env, const char *value)
{
    auto_buf out = {0};
    while (*value) {
        const char *end;
        auto_free char *name = *value == '$' ? variable_name(value + 1, &end) : NULL;
        if (name) {
            const char *found = strv_env_get(env, name);
            if (!found && strcmp(name, "PATH") == 0)
                found = COMMAND_DEFAULT_PATH; /* what it would have */
            buf_add_str(&out, found ? found : "");
            value = end;
        } else {
            buf_add_char(&out, *value++);
        }
    }
    return xstrdup(buf_str(&out));
}

int environment_merge(struct strv *env, const struct strv *assignments, struct err *err)
{
    auto_strv before = {0};
    if (assignments->len)
        strv_extend(&before, env);
    for (size_t i = 0; i < assignments->len; i++) {
        const char *e = assignments->v[i], *eq = strchr(e, '=');
        if (!eq || eq == e)
            return err_kind(err, ERR_USAGE, -EINVAL, "--env-merge %s: want NAME=VALUE", e);
        auto_free char *value = expand(&before, eq + 1);
        auto_free char *pair = xasprintf("%.*s=%s", (int)(eq - e), e, value);
        strv_env_set(env, pair);
    }
    return 0;
}
