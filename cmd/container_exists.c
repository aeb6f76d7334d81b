/* SPDX-License-Identifier: Apache-2.0 */
/* wherry container exists: tells by its exit status. */
#include "cmd/commands.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_done(store_container) struct store_container c = {0};
    int r = store_container_find(&in->engine->store, args->v[0], &c, err);
    if (r == 0 || err->kind != ERR_NOT_FOUND)
        return r;
    in->exit_status = 1;
    return 0;
}

const struct command cmd_container_exists = {
    .name = "exists",
    .usage = "CONTAINER",
    .summary = "Tell by the exit status whether a container is here",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
