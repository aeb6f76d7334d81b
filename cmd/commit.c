/* SPDX-License-Identifier: Apache-2.0 */
/* wherry commit: an image from a container. */
#include "base/file.h"
#include "cmd/commands.h"
#include "cmd/progress.h"
#include "engine/content.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct values {
    struct strv changes;
    char *author, *message, *iidfile, *format;
    bool pause, squash, volumes, quiet;
};

static const struct opt opts[] = {
    OPT_STRING_ROW('a', "author", values, author, "NAME", "Author for the image's history"),
    OPT_LIST_ROW('c', "change", values, changes, "INSTRUCTION",
                 "Apply a Dockerfile instruction (CMD, ENV, LABEL...) to the configuration"),
    OPT_CHOICE_ROW('f', "format", values, format, "FORMAT",
                   "Form of the manifest: oci (default) or docker", "oci|docker"),
    OPT_STRING_ROW(0, "iidfile", values, iidfile, "FILE", "Write the image's ID to FILE"),
    OPT_BOOL_ROW(0, "include-volumes", values, volumes,
                 "What is mounted in the container becomes volumes of the image"),
    OPT_STRING_ROW('m', "message", values, message, "TEXT", "Comment for the image's history"),
    OPT_BOOL_ROW('p', "pause", values, pause,
                 "Let the container's processes stand still meanwhile"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Show no progress, print the image's ID only"),
    OPT_BOOL_ROW('s', "squash", values, squash, "Make one layer of all there is"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    int r = store_container_find(&in->engine->store, args->v[0], &c, err);
    if (r < 0)
        return r;
    struct progress progress;
    progress_begin(&progress, "committing", v->quiet);
    struct commit_options o = {.name = args->len > 1 ? args->v[1] : NULL,
                               .author = v->author,
                               .message = v->message,
                               .changes = &v->changes,
                               .pause = v->pause,
                               .squash = v->squash,
                               .docker = v->format && strcmp(v->format, "docker") == 0,
                               .volumes = v->volumes,
                               .progress = progress_update,
                               .progress_arg = &progress};
    auto_free char *id = NULL;
    r = content_commit(in->engine, &c, &o, &id, err);
    progress_end(&progress);
    if (r == 0 && v->iidfile)
        r = file_write_at(AT_FDCWD, v->iidfile, id, strlen(id), 0644, 0, err);
    if (r == 0)
        puts(id);
    return r;
}

const struct command cmd_commit = {
    .name = "commit",
    .usage = "[options] CONTAINER [NAME]",
    .summary = "Make an image from a container's changes",
    .details = "Examples:\n"
               "  wherry commit work my/debian\n"
               "  wherry commit -c 'CMD [\"bash\"]' -m 'with tools' work my/debian:tools\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
