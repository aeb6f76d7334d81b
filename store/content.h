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

/* --- a layer that comes in pieces --------------------------------------------------------- */

/* What is known of it beforehand. */
struct content_expect {
    const char *digest;  /* of the bytes as they come, "sha256:..."; NULL: unknown */
    const char *diff_id; /* of the uncompressed tar; NULL: unknown */
    int64_t size;        /* of the bytes as they come; -1: unknown */
};

/* Takes a layer's bytes as they come from a registry or an archive (compressed or not, found by
 * content), and makes a layer of the store of them as content_layer_import() does: in one pass, on
 * two processors, with a few megabytes of memory, and with nothing visible before all is checked.
 * One sink belongs to one thread at a time; several may be under way in one process at once, each
 * in a thread of its own if so wished, also when they publish. */
struct content_sink;

/* The strings of `e` (or NULL) are copied. */
int content_sink_open(struct store *s, const struct content_expect *e, struct content_sink **ret,
                      struct err *err);
/* The next bytes, in order. Blocks while the disk is behind. More than the expected size, damaged
 * data, what is no tar and what grows beyond all measure (spec/limits.h) are errors at once; none
 * of them can be mended by more bytes. */
int content_sink_add(struct content_sink *k, const void *data, size_t len, struct err *err);
/* The same with all that a file or pipe has left. *done counts on; `progress` (or NULL) is called
 * with it and with `total`, 0 when that is not known. */
int content_sink_add_fd(struct content_sink *k, int fd, content_progress_fn progress, void *arg,
                        uint64_t *done, uint64_t total, struct err *err);
/* All bytes have come: compares size, digest and diff id, syncs, publishes. The caller frees
 * ret->diff_id. The store holds a claim on the layer until it is closed, so it cannot vanish before
 * an image is made of it. */
int content_sink_publish(struct content_sink *k, struct content_layer *ret, struct err *err);
/* Also with NULL. Whatever was not published is gone. */
void content_sink_free(struct content_sink *k);

enum content_compression { CONTENT_PLAIN, CONTENT_GZIP, CONTENT_ZSTD };

/* Takes bytes in order; an error ends the work and is returned. */
typedef int (*content_write_fn)(void *arg, const void *data, size_t len, struct err *err);

/* Hands out a layer of the store, compressed by all processors. The bytes depend on the layer
 * alone, not on the machine or the number of threads; `write` is called in the calling thread.
 * Digest and size are those of the bytes that were handed out. */
int content_layer_compress(struct store *s, const char *diff_id, enum content_compression how,
                           content_write_fn write, void *arg, char ret_digest[static 72],
                           int64_t *ret_size, struct err *err);

static inline void cleanup_content_sink(struct content_sink **k)
{
    content_sink_free(*k);
}
#define auto_content_sink __attribute__((cleanup(cleanup_content_sink))) struct content_sink *

struct content_changes {
    const struct overlay_options *overlay;
    bool whole; /* all that the overlay shows, not only what the upper directory changes */
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

/* Hands out a tar of all of `changes` (usually whole): as a layer's, but for names that a layer
 * cannot have. Nothing is stored. */
int content_export(const struct content_changes *changes, content_write_fn write, void *arg,
                   struct err *err);

/* Writes the index of a layer again from its tar. */
int content_layer_reindex(struct store *s, const char *diff_id, struct err *err);

/* An image whose configuration is kept byte for byte, so that its id stays what it was elsewhere.
 */
struct content_image {
    const char *config;
    size_t config_len;
    const struct strv *names; /* full references; NULL: none */
    bool docker;              /* it goes out with docker's manifest unless asked otherwise */
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
