/* SPDX-License-Identifier: Apache-2.0 */
/* wherry export: a container's file system as a tar. */
#include "cmd/commands.h"
#include "cmd/progress.h"
#include "engine/content.h"

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
    auto_done(store_container) struct store_container c = {0};
    if (!v->output && isatty(STDOUT_FILENO))
        return err_set(err, -EINVAL, "refusing to export to terminal. Use -o flag or redirect");
    int r = store_container_find(&in->engine->store, args->v[0], &c, err);
    if (r < 0)
        return r;
    struct progress progress;
    progress_begin(&progress, "exporting", false);
    struct export_options o = {
        .output = v->output, .progress = progress_update, .progress_arg = &progress};
    r = content_export_container(in->engine, &c, &o, err);
    progress_end(&progress);
    return r;
}

const struct command cmd_export = {
    .name = "export",
    .usage = "[options] CONTAINER",
    .summary = "Write a container's file system to a tar",
    .details = "The container may run. Mounts and volumes are not part of it.\n\n"
               "Examples:\n"
               "  wherry export -o work.tar work\n"
               "  wherry export work | tar -tv\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
