/* SPDX-License-Identifier: Apache-2.0 */
/* wherry save: images into an archive. */
#include "cmd/commands.h"
#include "cmd/progress.h"
#include "engine/content.h"

#include <string.h>
#include <unistd.h>

struct values {
    char *format, *output;
    bool compress, uncompressed, multi, quiet;
};

static const char formats[] =
    "docker-archive|oci-archive|oci-dir|docker-dir"; /* enum save_format */

static const struct opt opts[] = {
    OPT_BOOL_ROW(0, "compress", values, compress, "Compress the layers of a docker-dir"),
    OPT_CHOICE_ROW(0, "format", values, format, "FORMAT",
                   "docker-archive (default), oci-archive, oci-dir or docker-dir", formats),
    OPT_BOOL_ROW('m', "multi-image-archive", values, multi, "Save all images that are named"),
    OPT_STRING_ROW('o', "output", values, output, "PATH",
                   "Write to a file or directory instead of standard output"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Show no progress"),
    OPT_BOOL_ROW(0, "uncompressed", values, uncompressed,
                 "Do not compress the layers of an OCI archive or directory"),
    {0},
};

/* Where the word stands in the list. */
static enum save_format format_of(const char *word)
{
    int n = SAVE_DOCKER_ARCHIVE;
    size_t len = word ? strlen(word) : 0;
    for (const char *p = formats; word && (strncmp(p, word, len) != 0 || (p[len] && p[len] != '|'));
         p = strchr(p, '|') + 1)
        n++;
    return (enum save_format)n;
}

static int check(const struct values *v, enum save_format format, struct err *err)
{
    bool oci = format == SAVE_OCI_ARCHIVE || format == SAVE_OCI_DIR;
    bool directory = format == SAVE_OCI_DIR || format == SAVE_DOCKER_DIR;
    if (v->compress && format != SAVE_DOCKER_DIR)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--compress can be set only when --format is docker-dir");
    if (v->uncompressed && !oci)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--uncompressed can be set only when --format is oci-archive or oci-dir");
    if (v->multi && format == SAVE_DOCKER_DIR)
        return err_kind(err, ERR_USAGE, -EINVAL, "docker-dir holds one image");
    if (directory && !v->output)
        return err_kind(err, ERR_USAGE, -EINVAL, "--format %s needs --output", v->format);
    if (!v->output && isatty(STDOUT_FILENO))
        return err_set(err, -EINVAL, "refusing to save to terminal. Use -o flag or redirect");
    return 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    enum save_format format = format_of(v->format);
    int r = check(v, format, err);
    if (r < 0)
        return r;
    struct progress progress;
    progress_begin(&progress, "saving", v->quiet);
    struct save_request o = {
        .images = args,
        .multi = v->multi,
        .format = format,
        .compress = format == SAVE_DOCKER_DIR ? v->compress
                                              : format != SAVE_DOCKER_ARCHIVE && !v->uncompressed,
        .output = v->output,
        .progress = progress_update,
        .progress_arg = &progress,
    };
    r = content_save_images(in->engine, &o, err);
    progress_end(&progress);
    return r;
}

const struct command cmd_save = {
    .name = "save",
    .usage = "[options] IMAGE [NAME...]",
    .summary = "Write images to an archive",
    .details =
        "Further names are given to the image in the archive; with -m all are images to save.\n\n"
        "Examples:\n"
        "  wherry save -o debian.tar debian\n"
        "  wherry save debian | ssh host podman load\n"
        "  wherry save -m -o all.tar debian hello\n"
        "  wherry save --format oci-dir -o debian.oci debian\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
