/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of one layer while its tar is read, and its way into the index file.
 *
 * Theory of operation. Entries come in the tar's order; a later one of the same name replaces the
 * earlier (a directory over a directory only replaces its attributes). Parents that the tar does
 * not list are made as implicit directories. Nothing is ever looked up on the host: a path is
 * walked in this tree, and a symbolic link on the way is replaced by a directory, not followed. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "overlay-fuse/layer_index.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct index_tree;

/* What one tar entry says; the pointers belong to the caller. */
struct index_object {
    mode_t mode; /* with type */
    uint32_t uid, gid, dev_major, dev_minor;
    struct timespec mtime;
    uint64_t size;
    const char *target; /* symbolic link */
    const struct index_extent *extents;
    size_t n_extents;
    const struct index_tree_xattr {
        const char *name;
        const void *value;
        size_t len;
    } * xattrs;
    size_t n_xattrs;
};

struct index_tree *index_tree_new(void);
void index_tree_free(struct index_tree *t);
DEFINE_AUTO_PTR(index_tree, index_tree_free)

/* Adds one entry by its name in the tar (whiteout names included). Errors name the path. */
int index_tree_add(struct index_tree *t, const char *path, const struct index_object *o,
                   struct err *err);
/* Adds another name for an object that is there. */
int index_tree_link(struct index_tree *t, const char *path, const char *target, struct err *err);

/* Writes the index. */
int index_tree_write(struct index_tree *t, uint64_t tar_size, int fd, struct layer_index_stats *ret,
                     struct err *err);
