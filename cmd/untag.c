/* SPDX-License-Identifier: Apache-2.0 */
/* wherry untag: takes names away from an image, which stays. */
#include "cmd/commands.h"
#include "engine/image.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_strv names = {0};
    for (size_t i = 1; i < args->len; i++)
        strv_add(&names, args->v[i]);
    return image_untag(in->engine, args->v[0], &names, err);
}

const struct command cmd_untag = {
    .name = "untag",
    .usage = "IMAGE [NAME...]",
    .summary = "Take names away from an image",
    .details = "Without a name all go. The image stays and is found by its ID.",
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
