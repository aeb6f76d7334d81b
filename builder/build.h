/* SPDX-License-Identifier: Apache-2.0 */
/* Building an image from a Dockerfile: what the instructions mean, and in which order they run.
 * How a base image is found, a command runs in a container or a file gets into a layer is done
 * through a table of operations that engine fills, so a build can be tested without a namespace. */
#pragma once

#include "base/err.h"
#include "base/strv.h"
#include "spec/image.h"
#include "spec/platform.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* An image in the making: its configuration; config.diff_ids are its layers. */
struct build_image {
    struct image_config config;
};

/* A file whose content stands in the Dockerfile itself (a heredoc). */
struct build_inline {
    const char *name; /* file name without directory */
    const char *data;
    size_t len;
};

struct build_run {
    struct strv args; /* the command, shell already in front of a shell form */
    struct strv env;  /* complete environment, but for what the runtime adds (HOME) */
    const char *user; /* as in the configuration; NULL or "": root */
    const char *work_dir;
    /* A heredoc that begins with "#!": during the run, and only then, it is the executable file
     * BUILD_SCRIPT_DIR/<name>, which `args` already calls. NULL: none. */
    const struct build_inline *script;
};

#define BUILD_SCRIPT_DIR "/dev/pipes"

struct build_copy {
    const struct strv *sources; /* as written, expanded; relative to what `from` says; may be
                                   empty when there are heredocs */
    const struct build_inline *inlines; /* heredocs: files of mode 0644 beside the sources */
    size_t n_inlines;
    const char *dest; /* absolute container path; ends in '/' when it must be a directory */
    const char *from; /* --from: stage name, image or NULL for the context */
    const struct build_image *from_image; /* the stage that `from` names, NULL otherwise */
    const char *chown;                    /* --chown, expanded, or NULL */
    const char *chmod; /* --chmod, expanded and checked: octal to 07777 or symbolic, or NULL */
    bool unpack;       /* ADD: local tars are unpacked */
};

struct build_event {
    enum {
        BUILD_STEP_BEGIN,  /* text: "[2/3] RUN apt-get install" */
        BUILD_STEP_OUTPUT, /* text: output of the running step, any bytes, len */
        BUILD_STEP_END,
        BUILD_STEP_FAILED,
        BUILD_NOTE,    /* text: "writing image sha256:..." */
        BUILD_WARNING, /* text, with file and line */
    } kind;
    int step; /* 1...; 0: none */
    const char *text;
    size_t len;
};

/* Layers are made by the operations: each appends the new diff id to image->config.diff_ids, or
 * nothing when nothing changed, and sets *ret_changed. */
struct build_ops {
    void *ctx;
    /* `platform`: NULL when nobody said one. */
    int (*base)(void *ctx, const char *ref, const struct platform *platform,
                struct build_image *ret, struct err *err);
    int (*run)(void *ctx, struct build_image *image, const struct build_run *run, bool *ret_changed,
               struct err *err);
    int (*copy)(void *ctx, struct build_image *image, const struct build_copy *copy,
                bool *ret_changed, struct err *err);
    /* WORKDIR: makes the directory (0755, owned by `user`; NULL or "": root). */
    int (*make_dir)(void *ctx, struct build_image *image, const char *path, const char *user,
                    bool *ret_changed, struct err *err);
    /* Stores the image under its names; *ret_id is the image id, allocated. */
    int (*finish)(void *ctx, const struct build_image *image, const struct strv *names,
                  char **ret_id, struct err *err);
    void (*event)(void *ctx, const struct build_event *ev);
};

struct build_options {
    const char *file_name; /* for messages: "Dockerfile" */
    const char *text;      /* the Dockerfile */
    size_t text_len;
    const char *target;              /* --target: stage name or number, NULL: the last */
    const struct platform *platform; /* --platform, or NULL: this machine's */
    const struct strv *args;         /* --build-arg NAME=value or NAME */
    const struct strv *labels;
    const struct strv *names; /* full references (-t) */
    bool quiet;
};

/* Applies one instruction that only changes the configuration ("CMD [...]", "ENV A=b"...), as
 * `commit --change` and `import --change` have it. *config is untouched on an error. */
int build_change(struct image_config *config, const char *instruction, struct err *err);

/* Parses all, then builds. Errors of the Dockerfile are "Dockerfile:3: unknown instruction: FORM"
 * and come before anything is done. */
int build_run(const struct build_options *o, const struct build_ops *ops, char **ret_id,
              struct err *err);
