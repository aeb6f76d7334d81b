/* SPDX-License-Identifier: Apache-2.0 */
/* wherry rename: gives a container another name. */
#include "cmd/commands.h"
#include "engine/life.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_done(store_container) struct store_container c = {0};
    int r = store_container_find(&in->engine->store, args->v[0], &c, err);
    return r < 0 ? r : container_rename(in->engine, &c, args->v[1], err);
}

const struct command cmd_rename = {
    .name = "rename",
    .usage = "CONTAINER NAME",
    .summary = "Give a container another name",
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
