/* SPDX-License-Identifier: Apache-2.0 */
/* wherry tag: gives an image further names. */
#include "cmd/commands.h"
#include "engine/events.h"
#include "engine/image.h"
#include "engine/image_find.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    int r = image_find(in->engine, args->v[0], &image, NULL, err);
    for (size_t i = 1; r == 0 && i < args->len; i++) {
        auto_free char *full = NULL;
        r = image_full_name(args->v[i], &full, err);
        if (r == 0)
            r = store_image_tag(&in->engine->store, &image, full, err);
        if (r == 0)
            event_image(&in->engine->store, "tag", image.id, full);
    }
    return r;
}

const struct command cmd_tag = {
    .name = "tag",
    .usage = "IMAGE NAME [NAME...]",
    .summary = "Give an image further names",
    .min_args = 2,
    .max_args = -1,
    .run = run,
};
