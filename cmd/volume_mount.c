/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume mount, volume unmount: what volumes with options hold, in `wherry unshare`. */
#include "engine/volume_mount.h"
#include "base/alloc.h"
#include "cmd/commands.h"
#include "cmd/each.h"

#include <stdio.h>

static int for_each(struct invocation *in, const struct strv *names,
                    int (*fn)(struct engine *e, const char *name, char **ret, struct err *err),
                    struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < names->len; i++) {
        auto_free char *said = NULL;
        struct err one = {0};
        int r = fn(in->engine, names->v[i], &said, &one);
        if (r == 0)
            puts(said);
        else
            each_failed(r, &one, &result, err);
    }
    return result;
}

static int run_mount(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return for_each(in, args, volume_mount, err);
}

const struct command cmd_volume_mount = {
    .name = "mount",
    .usage = "VOLUME [VOLUME...]",
    .summary = "Mount volumes, and print where",
    .details = "Works in `wherry unshare`, and as long as that lasts. Needed only for volumes with "
               "a type; others\nare always there, where this says. Containers mount for "
               "themselves: a tmpfs of theirs is another one.\n",
    .min_args = 1,
    .max_args = -1,
    .run = run_mount,
};

static int run_unmount(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return for_each(in, args, volume_unmount, err);
}

const struct command cmd_volume_unmount = {
    .name = "unmount",
    .usage = "VOLUME [VOLUME...]",
    .summary = "Unmount volumes",
    .min_args = 1,
    .max_args = -1,
    .run = run_unmount,
};
