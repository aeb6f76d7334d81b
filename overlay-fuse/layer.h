/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one layer: its tar and the memory-mapped index of it. Never writes, never allocates after
 * layer_open(); all pointers it returns live as long as the layer. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "overlay-fuse/index_format.h"

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
    uint64_t ino_base; /* of the overlay it is in: the inode number of its root; else 0 */
};

/* Opens and checks both files. -ESTALE: the index is of another version or another tar, or damaged;
 * the caller may write it again. */
int layer_open(const char *tar, const char *index, struct layer *ret, struct err *err);
void layer_close(struct layer *l);

/* The entry of a directory inode with this name, or NULL. */
const struct index_entry *layer_find(const struct layer *l, uint32_t dir, const char *name,
                                     size_t len);

/* Bytes of a regular file: the count, 0 at its end, negative errno. Holes read as zeros. */
ssize_t layer_read(const struct layer *l, uint32_t inode, void *data, size_t len, uint64_t offset);

/* Where the bytes at `offset` lie in the mapped tar, and in *ret_len how many of the wanted `len`
 * follow there; NULL in a hole, with the length of the hole. `offset` is below the file's size. */
const uint8_t *layer_bytes(const struct layer *l, uint32_t inode, uint64_t offset, size_t len,
                           size_t *ret_len);

/* The first extent that ends behind `offset`, or the number of extents. */
uint32_t layer_extent_at(const struct layer *l, const struct index_inode *in, uint64_t offset);
