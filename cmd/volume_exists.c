/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume exists: tells by its exit status. */
#include "cmd/commands.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    int r = store_volume_open(&in->engine->store, args->v[0], &v, err);
    if (r == 0 || err->kind != ERR_NOT_FOUND)
        return r;
    in->exit_status = 1;
    return 0;
}

const struct command cmd_volume_exists = {
    .name = "exists",
    .usage = "VOLUME",
    .summary = "Tell by the exit status whether a volume is here",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
