/* SPDX-License-Identifier: Apache-2.0 */
/* wherry image exists: tells by its exit status. */
#include "cmd/commands.h"
#include "engine/image_find.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    int r = image_find(in->engine, args->v[0], &image, NULL, err);
    if (r == 0 || err->kind != ERR_NOT_FOUND)
        return r;
    in->exit_status = 1;
    return 0;
}

const struct command cmd_image_exists = {
    .name = "exists",
    .usage = "IMAGE",
    .summary = "Tell by the exit status whether an image is here",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
