/* SPDX-License-Identifier: Apache-2.0 */
/* Images out of the store, in the forms that others read. */
#pragma once

#include "store/content.h"

enum save_format {
    SAVE_DOCKER_ARCHIVE, /* what `docker save` wrote for ten years: manifest.json, layers as tars */
    SAVE_OCI_ARCHIVE,    /* an OCI image layout in a tar */
    SAVE_OCI_DIR,        /* an OCI image layout */
    SAVE_DOCKER_DIR,     /* containers/image's "dir:": manifest.json and blobs by digest */
};

struct save_image {
    const struct store_image *image;
    struct strv names; /* full references under which it is to be known */
};

struct save_options {
    enum save_format format;
    bool compress; /* layers as gzip; else as they are */
    const struct save_image *images;
    size_t n;                     /* SAVE_DOCKER_DIR: exactly one */
    content_progress_fn progress; /* bytes of layers, and how many there are; or NULL */
    void *progress_arg;
};

/* Writes an archive to `fd`, or files into the empty directory `fd`. The same images and names give
 * the same bytes. Layers that several images share are written once. Nothing is synced. */
int content_save(struct store *s, const struct save_options *o, int fd, struct err *err);
