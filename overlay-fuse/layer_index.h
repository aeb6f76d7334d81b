/* SPDX-License-Identifier: Apache-2.0 */
/* The layer index: what is in a layer's tar, memory-mapped.
 *
 * The reader (layer.c) needs only libc; the writer (index_write.c) needs libarchive and is a
 * library of its own. The format is described in docs/formats.md. */
#pragma once

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct layer_index_stats {
    uint64_t entries; /* names, whiteouts included */
    uint64_t size;    /* sum of the files' sizes */
};

/* Reads the uncompressed tar open at `tar_fd` (a regular file) and writes its index to `index_fd`
 * (empty, writable). Hostile input is expected: names with "..", links out of the
 * layer, overlong paths, absurd sizes are errors that name the entry; nothing is ever executed,
 * created or followed on the host. The caller syncs and publishes the index. */
int layer_index_write(int tar_fd, int index_fd, struct layer_index_stats *ret, struct err *err);

/* The next bytes of a tar: their count, 0 at the end, or a negative errno with *err filled. They
 * stay where they are until the next call. */
typedef ssize_t (*layer_index_next_fn)(void *arg, const void **ret, struct err *err);

/* As layer_index_write(), of a tar that goes by once. All of it has been asked for when this
 * succeeds or ends with -EAGAIN: the index is to be written from the file then, as the tar has to
 * be read a second time for the names in its access lists. */
int layer_index_stream(layer_index_next_fn next, void *arg, int index_fd,
                       struct layer_index_stats *ret, struct err *err);
