/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one layer: its tar and the memory-mapped index of it, or a plain directory
 * (layer_tree.c). Never writes; all pointers it returns live as long as the layer. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "overlay-fuse/index_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct layer {
    int tar_fd;
    const uint8_t *tar; /* the whole tar, mapped; only to be handed to the kernel: writev() answers
                           EFAULT where touching a page that cannot be read would be SIGBUS */
    uint64_t tar_size;
    const uint8_t *map;
    size_t map_size;
    const struct index_header *header;
    const struct index_inode *inodes;
    const struct index_entry *entries;
    const struct index_extent *extents;
    const struct index_xattr *xattrs;
    const struct index_link *links;
    const char *heap;
    uint64_t ino_base;       /* of the overlay it is in: the inode number of its root; else 0 */
    struct layer_tree *tree; /* the layer is a directory; its tables grow as it is looked at */
};

/* Opens and checks both files. -ESTALE: the index is of another version or another tar, or damaged;
 * the caller may write it again. */
int layer_open(const char *tar, const char *index, struct layer *ret, struct err *err);
/* The same of an index of which the caller knows that it is unchanged since layer_open() found it
 * good: only its head is looked at, so the time does not depend on its size. */
int layer_open_checked(const char *tar, const char *index, struct layer *ret, struct err *err);
/* The same of a directory, in the form that overlayfs and fuse-overlayfs keep layers in. */
int layer_open_tree(const char *path, struct layer *ret, struct err *err);
void layer_close(struct layer *l);

/* A directory's entries, a link's target and an object's attributes are there for certain only
 * after these: 0 or a negative errno. Nothing to do for a tar. */
int layer_tree_entries(const struct layer *l, uint32_t dir);
int layer_tree_target(const struct layer *l, uint32_t inode);
int layer_tree_xattrs(const struct layer *l, uint32_t inode);
static inline int layer_need_entries(const struct layer *l, uint32_t dir)
{
    return l->tree ? layer_tree_entries(l, dir) : 0;
}
static inline int layer_need_target(const struct layer *l, uint32_t inode)
{
    return l->tree ? layer_tree_target(l, inode) : 0;
}
static inline int layer_need_xattrs(const struct layer *l, uint32_t inode)
{
    return l->tree ? layer_tree_xattrs(l, inode) : 0;
}

/* True when a directory hides what the layers below have in it. */
bool layer_is_opaque(const struct layer *l, uint32_t dir);
/* An inode number that nothing else in the overlay has. */
uint64_t layer_ino(const struct layer *l, uint32_t inode);
/* A directory layer's open file; belongs to the layer, until the next call. */
int layer_tree_file(const struct layer *l, uint32_t inode);
/* A descriptor on the file system that the layer is on, for its statistics. */
int layer_fs_fd(const struct layer *l);

/* The entry of a directory inode with this name, or NULL. */
const struct index_entry *layer_find(const struct layer *l, uint32_t dir, const char *name,
                                     size_t len);

/* Bytes of a regular file: the count, 0 at its end, negative errno. Holes read as zeros. */
ssize_t layer_read(const struct layer *l, uint32_t inode, void *data, size_t len, uint64_t offset);

/* Of a tar: where the bytes at `offset` lie in the mapped tar, and in *ret_len how many of the
 * wanted `len` follow there; NULL in a hole, with the length of the hole. `offset` is below the
 * file's size. */
const uint8_t *layer_bytes(const struct layer *l, uint32_t inode, uint64_t offset, size_t len,
                           size_t *ret_len);

/* Of a tar: its pages are not counted as ours any more; they come back when they are needed. */
void layer_unmap_pages(const struct layer *l);

/* The first extent that ends behind `offset`, or the number of extents. */
uint32_t layer_extent_at(const struct layer *l, const struct index_inode *in, uint64_t offset);
