/* SPDX-License-Identifier: Apache-2.0 */
/* wherry load: images from an archive. */
#include "cmd/commands.h"
#include "cmd/progress.h"
#include "engine/content.h"

#include <stdio.h>
#include <unistd.h>

struct values {
    char *input;
    bool quiet;
};

static const struct opt opts[] = {
    OPT_STRING_ROW('i', "input", values, input, "PATH",
                   "Read an archive or directory instead of standard input"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Show no progress"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_strv names = {0};
    if (!v->input && isatty(STDIN_FILENO))
        return err_set(err, -EINVAL,
                       "cannot read from terminal, use command-line redirection or the --input "
                       "flag");
    struct progress progress;
    progress_begin(&progress, "loading", v->quiet);
    struct load_request o = {
        .input = v->input, .progress = progress_update, .progress_arg = &progress};
    int r = content_load_images(in->engine, &o, &names, err);
    progress_end(&progress);
    if (r == 0)
        strv_foreach (&names, name)
            printf("Loaded image: %s\n", name);
    return r;
}

const struct command cmd_load = {
    .name = "load",
    .usage = "[options]",
    .summary = "Load images from an archive",
    .details = "Reads what save, podman, docker and skopeo write: docker archives and OCI layouts, "
               "plain or\n"
               "compressed with gzip, bzip2, xz or zstd, and directories of both kinds.\n\n"
               "Examples:\n"
               "  wherry load -i debian.tar\n"
               "  ssh host podman save debian | wherry load\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = 0,
    .run = run,
};
