/* SPDX-License-Identifier: Apache-2.0 */
/* What makes image content: import, commit, build. Part of wherry-image only. */
#pragma once

#include "builder/build.h"
#include "engine/engine.h"
#include "engine/pull.h"
#include "store/content.h"
#include "store/save.h"

struct import_options {
    const char *path;    /* a tar, plain or compressed; "-": standard input; http, https */
    const char *name;    /* NULL: the image gets no name */
    const char *message; /* for the history, or NULL */
    const char *os, *architecture, *variant; /* in OCI's words; NULL: this machine's */
    const struct strv *changes;              /* instructions for the configuration: "CMD [...]" */
    content_progress_fn progress;
    void *progress_arg;
};

/* Makes an image of one layer from a tar of a root file system. *ret_id is allocated. */
int content_import(struct engine *e, const struct import_options *o, char **ret_id,
                   struct err *err);

struct save_request {
    const struct strv *images; /* names or ids */
    bool multi;                /* all of them; else the first, and the others are names for it */
    enum save_format format;
    bool compress;      /* layers as gzip where the format allows it */
    const char *output; /* path; NULL: standard output */
    content_progress_fn progress;
    void *progress_arg;
};

/* Writes images to a file, a directory (made when missing, else empty) or standard output. A file
 * appears, or is replaced, only when it is whole; what was begun of a directory is removed. */
int content_save_images(struct engine *e, const struct save_request *o, struct err *err);

struct load_request {
    const char *input; /* path of a file or directory; NULL: standard input */
    content_progress_fn progress;
    void *progress_arg;
};

/* Loads images. *ret has their names in full, "sha256:ID" for one without. */
int content_load_images(struct engine *e, const struct load_request *o, struct strv *ret,
                        struct err *err);

struct export_options {
    const char *output; /* path; NULL: standard output */
    content_progress_fn progress;
    void *progress_arg;
};

/* Writes the merged file system of a container, which may run, as a tar: numeric owners, all
 * attributes, names sorted, hard links as such. A file appears only when it is whole. */
int content_export_container(struct engine *e, struct store_container *c,
                             const struct export_options *o, struct err *err);

struct commit_options {
    const char *name;             /* NULL: the image gets no name */
    const char *author;           /* or NULL */
    const char *message;          /* or NULL */
    const struct strv *changes;   /* instructions for the configuration: "CMD [...]" */
    bool pause;                   /* the container's processes stand still meanwhile */
    bool squash;                  /* one layer of all there is, instead of one more */
    bool docker;                  /* the image goes out with docker's manifest, not OCI's */
    bool volumes;                 /* what is mounted in the container becomes the image's volumes */
    content_progress_fn progress; /* bytes of the new layer; or NULL */
    void *progress_arg;
};

/* Makes an image from a container: the layers of its image and what it changed. Reads the changed
 * files only. The container may run: what it has written by now is taken. */
int content_commit(struct engine *e, struct store_container *c, const struct commit_options *o,
                   char **ret_id, struct err *err);

struct build_request {
    const char *context;    /* directory */
    const char *dockerfile; /* path, or NULL: Dockerfile or Containerfile in the context */
    const char *target;     /* or NULL */
    const struct strv *tags, *args, *labels;
    const struct pull_options *pull; /* for images that FROM names; the name in it is not used */
    const char *network;             /* of RUN: "none", "host"; NULL and others: its own */
    const char *root_emulation;      /* as create's */
    bool quiet;
    void (*event)(void *arg, const struct build_event *ev);
    void *event_arg;
};

int content_build(struct engine *e, const struct build_request *o, char **ret_id, struct err *err);
