/* SPDX-License-Identifier: Apache-2.0 */
/* Where a saved image is read from: documents and layers by their names in an archive or directory.
 */
#pragma once

#include "base/buf.h"
#include "store/content.h"

/* A name or "directory/name" of a member; links of the archive are followed inside it. */
struct load_source {
    void *data;
    /* Appends a whole document. -ENOENT (ERR_NOT_FOUND) when there is none. */
    int (*document)(void *data, const char *name, struct buf *ret, struct err *err);
    /* The layer of that name is in the store: *ret_diff_id is allocated. What `e` expects has been
     * compared, or is compared now. */
    int (*layer)(void *data, const char *name, const struct content_expect *e, char **ret_diff_id,
                 struct err *err);
    void (*free)(void *data);
};

/* An archive from `fd`, plain or compressed, a pipe or a file: read to its end, once. Its layers
 * are in the store when this returns. */
int load_archive_open(struct store *s, int fd, content_progress_fn progress, void *arg,
                      struct load_source *ret, struct err *err);
/* The directory `fd`, which stays the caller's; layers are read when asked for. */
int load_directory_open(struct store *s, int fd, content_progress_fn progress, void *arg,
                        struct load_source *ret, struct err *err);

static inline void load_source_done(struct load_source *l)
{
    if (l->free)
        l->free(l->data);
}
DEFINE_AUTO(load_source, load_source_done)
