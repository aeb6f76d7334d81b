/* SPDX-License-Identifier: Apache-2.0 */
/* wherry import: an image from a tar of a root file system. */
#include "cmd/commands.h"
#include "cmd/progress.h"
#include "engine/content.h"
#include "spec/platform.h"

#include <stdio.h>

struct values {
    struct strv changes;
    char *message, *arch, *os, *variant;
    bool quiet;
};

static const struct opt opts[] = {
    OPT_STRING_ROW(0, "arch", values, arch, "ARCH", "Architecture of the image"),
    OPT_LIST_ROW('c', "change", values, changes, "INSTRUCTION",
                 "Apply a Dockerfile instruction (CMD, ENV, LABEL...) to the configuration"),
    OPT_STRING_ROW('m', "message", values, message, "TEXT", "Comment for the image's history"),
    OPT_STRING_ROW(0, "os", values, os, "OS", "Operating system of the image"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Show no progress, print the image's ID only"),
    OPT_STRING_ROW(0, "variant", values, variant, "VARIANT", "Variant of the architecture"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(platform) struct platform platform = {0};
    if (v->arch)
        platform_set_architecture(&platform, v->arch);
    struct progress progress;
    progress_begin(&progress, "importing", v->quiet);
    struct import_options o = {.path = args->v[0],
                               .name = args->len > 1 ? args->v[1] : NULL,
                               .message = v->message,
                               .os = v->os,
                               .architecture = platform.architecture,
                               .variant = v->variant ? v->variant : platform.variant,
                               .changes = &v->changes,
                               .progress = progress_update,
                               .progress_arg = &progress};
    auto_free char *id = NULL;
    int r = content_import(in->engine, &o, &id, err);
    progress_end(&progress);
    if (r == 0)
        printf("sha256:%s\n", id);
    return r;
}

const struct command cmd_import = {
    .name = "import",
    .usage = "[options] FILE|URL|- [NAME]",
    .summary = "Make an image from a tar of a root file system",
    .details = "The tar may be plain or compressed with gzip, bzip2, xz or zstd.\n\n"
               "Examples:\n"
               "  wherry import rootfs.tar.xz debian\n"
               "  wherry import -c 'CMD [\"bash\"]' https://example.org/rootfs.tar debian\n"
               "  ssh host tar -C / --one-file-system -c . | wherry import - copy\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
