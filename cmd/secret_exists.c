/* SPDX-License-Identifier: Apache-2.0 */
/* wherry secret exists: tells by its exit status. */
#include "base/json.h"
#include "cmd/commands.h"
#include "store/secrets.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_json json_t *secret = NULL;
    int r = store_secret_find(&in->engine->store, args->v[0], &secret, err);
    if (r == 0 || err->kind != ERR_NOT_FOUND)
        return r;
    in->exit_status = 1;
    return 0;
}

const struct command cmd_secret_exists = {
    .name = "exists",
    .usage = "SECRET",
    .summary = "Tell by the exit status whether a secret is here",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
