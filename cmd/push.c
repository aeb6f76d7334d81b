/* SPDX-License-Identifier: Apache-2.0 */
/* wherry push: an image to a registry. */
#include "base/file.h"
#include "cmd/commands.h"
#include "cmd/prompt.h"
#include "cmd/registry_options.h"
#include "cmd/transfer_view.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct values {
    struct registry_values registry; /* first: the rows */
    char *compression, *digest_file, *format;
    bool quiet;
};

static const struct opt opts[] = {
    REGISTRY_ACCESS_ROWS,
    REGISTRY_TRANSFER_ROWS,
    OPT_CHOICE_ROW(0, "compression-format", values, compression, "gzip|zstd",
                   "Compress layers with gzip (the default) or zstd", "gzip|zstd"),
    OPT_STRING_ROW(0, "digestfile", values, digest_file, "FILE",
                   "Write the digest of what was pushed to FILE"),
    OPT_CHOICE_ROW('f', "format", values, format, "oci|v2s2",
                   "Manifest in OCI's form (the default) or in docker's schema 2", "oci|v2s2"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Show no progress"),
    {0},
};

static int write_digest(const char *path, const char *digest, struct err *err)
{
    int r = file_write_at(AT_FDCWD, path, digest, strlen(digest), 0644, 0, err);
    return r < 0 ? err_wrap(err, "--digestfile") : 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    struct transfer_view view;
    char *secret = NULL, digest[72];
    struct push_options o = {
        .image = args->v[0],
        .destination = args->len > 1 ? args->v[1] : NULL,
        .oci = v->format && strcmp(v->format, "oci") == 0,
        .docker = v->format && strcmp(v->format, "v2s2") == 0,
        .compression =
            v->compression && strcmp(v->compression, "zstd") == 0 ? PUSH_ZSTD : PUSH_GZIP,
    };
    int r = registry_access_from(in, &v->registry, &o.access, &secret, err);
    if (r == 0) {
        transfer_view_init(&view, "sending", v->quiet);
        o.watch = transfer_view_watch(&view);
        r = content_push(in->engine, &o, digest, err);
        transfer_view_done(&view);
    }
    prompt_forget(secret);
    return r == 0 && v->digest_file ? write_digest(v->digest_file, digest, err) : r;
}

const struct command cmd_push = {
    .name = "push",
    .usage = "[options] IMAGE [DESTINATION]",
    .summary = "Push an image to a registry",
    .details = "Examples:\n"
               "  wherry push quay.io/me/app:1\n"
               "  wherry push app localhost:5000/app --tls-verify=false\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
