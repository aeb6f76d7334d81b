/* SPDX-License-Identifier: Apache-2.0 */
/* Image content in and out: what needs libarchive and libcrypto. Used by wherry-image only. */
#pragma once

#include "base/err.h"
#include "overlay-fuse/core.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct content_layer {
    char *diff_id; /* "sha256:...", allocated */
    int64_t size;  /* of the uncompressed tar */
};

/* Called now and then while bytes move; `total` is 0 when unknown. */
typedef void (*content_progress_fn)(void *arg, uint64_t done, uint64_t total);

/* Stores a layer from `fd`: a tar, plain or compressed with gzip, bzip2, xz or zstd (found by
 * content). Decompressed, hashed, written to blobs/, indexed, synced, published. A layer that is
 * there already is reused. */
int content_layer_import(struct store *s, int fd, content_progress_fn progress, void *arg,
                         struct content_layer *ret, struct err *err);

struct content_changes {
    const struct overlay_options *overlay;
    /* True for an entry that is to be left out; or NULL. */
    bool (*skip)(void *arg, const struct overlay_change *c);
    void *skip_arg;
    content_progress_fn progress; /* bytes of the layer, without a total; or NULL */
    void *progress_arg;
};

/* Stores what changed in an upper directory as a layer, in OCI form (whiteouts as .wh. files,
 * numeric owners, PAX xattrs, sorted, hard links kept). *ret_empty: nothing changed, no layer made
 * and *ret untouched. */
int content_layer_from_changes(struct store *s, const struct content_changes *changes,
                               struct content_layer *ret, bool *ret_empty, struct err *err);

/* Writes the index of a layer again from its tar. */
int content_layer_reindex(struct store *s, const char *diff_id, struct err *err);

/* An image whose configuration is kept byte for byte, so that its id stays what it was elsewhere.
 */
struct content_image {
    const char *config;
    size_t config_len;
    const struct strv *names; /* full references; NULL: none */
    const char *origin;       /* digests by which the names' registry knows the image (struct
                                 store_image, origins), or NULL */
};

/* Stores configuration and manifest for the layers that the configuration names and that are in the
 * store, and lists the image. */
int content_image_store(struct store *s, const struct content_image *image, struct store_image *ret,
                        struct err *err);

/* Stores configuration and manifest for layers that are in the store and lists the image under
 * `names` (full references; may be none). config->diff_ids are the layers. */
int content_image_add(struct store *s, const struct image_config *config, const struct strv *names,
                      struct store_image *ret, struct err *err);
