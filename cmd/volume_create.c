/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume create: makes a volume. */
#include "base/cleanup.h"
#include "cmd/commands.h"
#include "engine/volume.h"

#include <stdio.h>

struct values {
    struct strv labels, options;
    char *driver;
    bool ignore;
};

static const struct opt opts[] = {
    OPT_CHOICE_ROW('d', "driver", values, driver, "DRIVER", "What keeps it: local", "local"),
    OPT_BOOL_ROW(0, "ignore", values, ignore, "A volume that exists already is no error"),
    OPT_LIST_ROW('l', "label", values, labels, "NAME=VALUE", "Set a label on the volume"),
    OPT_LIST_ROW('o', "opt", values, options, "KEY=VALUE",
                 "What it is: type (tmpfs, bind, none), device, o (see above)"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_free char *name = NULL;
    struct volume_create_options o = {.name = args->len ? args->v[0] : NULL,
                                      .labels = &v->labels,
                                      .options = &v->options,
                                      .durable = true};
    int r = volume_create(in->engine, &o, &name, err);
    if (r < 0 && !(v->ignore && err->kind == ERR_EXISTS))
        return r;
    puts(name ? name : o.name);
    return 0;
}

const struct command cmd_volume_create = {
    .name = "create",
    .usage = "[options] [NAME]",
    .summary = "Make a volume",
    .details =
        "Without options it is a directory of yours. With type=tmpfs each run of a container has "
        "one of its\nown, of which nothing is kept; with o=bind, device is a directory of the "
        "host. "
        "o takes, with commas\nbetween: ro, rw, nosuid, nodev, noexec, bind, rbind; for a tmpfs "
        "size, mode, nr_inodes; uid and gid for\nthe owner of a tmpfs or plain volume.\n\n"
        "Examples:\n"
        "  wherry volume create -o type=tmpfs -o device=tmpfs -o o=size=64m,mode=700 fast\n"
        "  wherry volume create -o type=none -o device=/srv/data -o o=bind,ro data\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .run = run,
};
