/* SPDX-License-Identifier: Apache-2.0 */
/* wherry cp: copies between containers, the host and tar streams. */
#include "cmd/commands.h"
#include "engine/copy.h"

#include <string.h>
#include <unistd.h>

struct values {
    char *archive;
    bool overwrite;
};

static const struct opt opts[] = {
    OPT_SWITCH_ROW(
        'a', "archive", values, archive,
        "Give copied files to the container's user (default true); false: keep the owners"),
    OPT_BOOL_ROW(0, "overwrite", values, overwrite,
                 "Allow to replace directories by other files and the other way round"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    struct copy_options o = {.from = args->v[0],
                             .to = args->v[1],
                             .overwrite = v->overwrite,
                             .keep_owners = !opt_switch(v->archive, true)};
    if (strcmp(o.to, "-") == 0 && isatty(STDOUT_FILENO))
        return err_set(err, -EINVAL, "refusing to write a tar to a terminal: redirect it");
    return container_copy(in->engine, &o, err);
}

const struct command cmd_cp = {
    .name = "cp",
    .usage = "[options] [CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH",
    .summary = "Copy files between a container and the host",
    .details = "One of the paths may be - for a tar on standard input or output. Both a running\n"
               "container and one that does not run will do.\n\n"
               "Examples:\n"
               "  wherry cp site/. web:/srv\n"
               "  wherry cp db:/var/log/db.log .\n"
               "  wherry cp work:/etc - | tar -tv\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
