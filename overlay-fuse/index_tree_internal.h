/* SPDX-License-Identifier: Apache-2.0 */
/* What index_tree.c builds and index_out.c writes. */
#pragma once

#include "base/buf.h"
#include "overlay-fuse/index_format.h"
#include "overlay-fuse/index_tree.h"

#include <stdbool.h>

#define TREE_NONE UINT32_MAX

/* A name. Its record stays for good, as numbers are references. */
struct tree_entry {
    uint32_t dir;  /* the directory's inode */
    uint32_t name; /* in `names` */
    uint8_t len;
    bool whiteout;         /* ".wh.name" was there too */
    uint32_t inode;        /* TREE_NONE: only the whiteout */
    uint32_t next_in_dir;  /* all entries of a directory, newest first */
    uint32_t next_in_hash; /* the same bucket */
};

struct tree_inode {
    struct index_inode i; /* first and count: extents, or the target in `names` */
    uint32_t first_entry; /* directory */
    uint32_t number;      /* in the file, TREE_NONE until it has one */
};

struct index_tree {
    struct tree_entry *entries;
    size_t n_entries, cap_entries;
    struct tree_inode *inodes;
    size_t n_inodes, cap_inodes;
    struct index_extent *extents;
    size_t n_extents, cap_extents;
    struct index_xattr *xattrs;
    size_t n_xattrs, cap_xattrs;
    struct buf names; /* becomes the heap */
    uint32_t *buckets;
    size_t n_buckets;
    size_t n_listed;   /* entries of the tar */
    size_t n_implicit; /* directories that it does not list */
};
