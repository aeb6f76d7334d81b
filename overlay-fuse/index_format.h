/* SPDX-License-Identifier: Apache-2.0 */
/* The layer index on disk (docs/formats.md, "Layer index").
 *
 * Theory of operation. One file: header, inode table, entry table, extent table, xattr table, link
 * table, string heap, each at an offset the header names, 8-aligned, in the machine's byte order
 * (the magic differs on the other one). Inode 0 is the root. Directories come first, parents before
 * children, so a tree that passes the check has no cycle. The entries of one directory lie side by
 * side, strictly ascending by the bytes of the name, so a lookup is a binary search. Everything is
 * plain data: the reader maps the file and uses it in place, after layer_open() has checked every
 * offset, count and reference. */
#pragma once

#include <stdint.h>

#define INDEX_MAGIC   UINT64_C(0x3130584459525257) /* "WRRYDX01" */
#define INDEX_VERSION 4u

struct index_table {
    uint64_t offset; /* from the start of the file */
    uint64_t count;  /* of records; heap: of bytes */
};

struct index_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size;
    uint64_t checksum; /* index_checksum() of everything else */
    uint64_t file_size;
    uint64_t tar_size;
    uint64_t content_size; /* sum of the files' sizes */
    struct index_table inodes, entries, extents, xattrs, links, heap;
};

enum index_inode_flags {
    INDEX_OPAQUE = 1 << 0,   /* directory: hides what the layers below have in it */
    INDEX_IMPLICIT = 1 << 1, /* directory the tar did not list: a lower layer's attributes win */
};

struct index_inode {
    uint64_t size;
    int64_t mtime_sec;
    uint32_t mtime_nsec;
    uint32_t mode; /* with type */
    uint32_t uid, gid;
    uint32_t dev_major, dev_minor;
    uint32_t nlink; /* names in this layer; directory: 2 and one for each subdirectory */
    uint32_t flags;
    uint32_t first,
        count; /* directory: entries; regular file: extents; link: heap offset, length */
    uint32_t first_xattr, n_xattrs;
    uint32_t first_link; /* nlink > 1 and no directory: the first of its nlink link records */
    uint32_t entry;      /* directory but the root: the entry that names it */
};

#define INDEX_NO_INODE UINT32_MAX /* the entry is a whiteout */

struct index_entry {
    uint32_t name; /* heap offset; not terminated */
    uint32_t len;  /* 1 to 255 */
    uint32_t inode;
    uint32_t dir; /* the inode of the directory it stands in */
};

struct index_extent {
    uint64_t start; /* in the file; ascending, without overlap; what no extent covers is a hole */
    uint64_t len;
    uint64_t tar_offset;
};

struct index_xattr {
    uint32_t name, name_len; /* heap; not terminated, 1 to 255 bytes */
    uint32_t value, value_len;
};

struct index_link {
    uint32_t entry;
};

/* Of a whole file but the checksum itself, eight bytes a step: a guard against damage, not against
 * an attacker. Every step is a bijection of `a`, so damage of one word never goes unnoticed. `len`
 * is a multiple of 8. */
static inline uint64_t index_checksum(const struct index_header *file, uint64_t len)
{
    const uint64_t *p = (const void *)file;
    uint64_t a = UINT64_C(0x9e3779b97f4a7c15) ^ len;
    for (uint64_t i = 0; i < len / 8; i++) {
        if (&p[i] == &file->checksum)
            continue;
        a = (a ^ p[i]) * UINT64_C(0xff51afd7ed558ccd);
        a ^= a >> 32;
    }
    return a;
}
