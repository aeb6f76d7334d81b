/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume import: unpacks a tar into a volume. */
#include "cmd/commands.h"
#include "engine/volume_content.h"

#include <string.h>

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const char *source = args->v[1];
    return volume_import(in->engine, args->v[0], strcmp(source, "-") == 0 ? NULL : source, err);
}

const struct command cmd_volume_import = {
    .name = "import",
    .usage = "VOLUME FILE|-",
    .summary = "Unpack a tar into a volume",
    .details =
        "The tar may be compressed with gzip, bzip2, xz or zstd. Files of the same names are "
        "replaced,\nothers stay.\n\n"
        "Example:\n"
        "  wherry volume import site site.tar.gz\n",
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
