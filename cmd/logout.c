/* SPDX-License-Identifier: Apache-2.0 */
/* wherry logout: forgets the credentials for a registry. */
#include "base/alloc.h"
#include "cmd/commands.h"
#include "engine/login.h"

#include <stdio.h>

struct values {
    char *authfile;
    bool all;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Forget the credentials for all registries"),
    OPT_STRING_ROW(0, "authfile", values, authfile, "FILE",
                   "Credentials file (default: $REGISTRY_AUTH_FILE, or "
                   "$XDG_RUNTIME_DIR/containers/auth.json)"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(registries) struct registries conf = {0};
    auto_free char *key = NULL;
    if (v->all && args->len)
        return err_kind(err, ERR_USAGE, -EINVAL, "--all takes no registry");
    int r = registries_load(NULL, &conf, err);
    if (r == 0 && !v->all)
        r = login_key(args->len ? args->v[0] : NULL, &conf, &key, err);
    if (r == 0)
        r = login_forget(v->authfile, key, &conf, err);
    if (r == 0 && key)
        printf("Removed login credentials for %s\n", key);
    else if (r == 0)
        puts("Removed login credentials for all registries");
    return r;
}

const struct command cmd_logout = {
    .name = "logout",
    .usage = "[options] [REGISTRY]",
    .summary = "Log out of a registry",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .no_engine = true,
    .run = run,
};
