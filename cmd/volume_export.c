/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume export: what is in a volume as a tar. */
#include "cmd/commands.h"
#include "engine/volume_content.h"

#include <unistd.h>

struct values {
    char *output;
};

static const struct opt opts[] = {
    OPT_STRING_ROW('o', "output", values, output, "FILE",
                   "Write to a file instead of standard output"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    if (!v->output && isatty(STDOUT_FILENO))
        return err_set(err, -EINVAL, "refusing to export to terminal. Use -o flag or redirect");
    return volume_export(in->engine, args->v[0], v->output, err);
}

const struct command cmd_volume_export = {
    .name = "export",
    .usage = "[options] VOLUME",
    .summary = "Write what is in a volume to a tar",
    .details = "Example:\n"
               "  wherry volume export -o site.tar site\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
