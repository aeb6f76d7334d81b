/* SPDX-License-Identifier: Apache-2.0 */
/* Tars for tests, written with libarchive, and their indexes. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct tar_xattr {
    const char *name, *value;
};

struct tar_run {
    int64_t start, len;
};

struct tar_entry {
    mode_t mode; /* with type; 0: a hard link */
    const char *path;
    const char *target; /* of a symbolic or hard link */
    const char *data;
    size_t len; /* of data; 0: up to its NUL */
    uint32_t uid, gid, major, minor;
    struct timespec mtime;
    const struct tar_xattr *xattrs; /* ends with a NULL name; or NULL */
    const struct tar_run *runs;     /* makes the file sparse: where it has data; ends with len 0 */
};

/* Appends a pax tar, with its end mark, to *ret. 0, or -EIO with libarchive's words. */
int tar_make(const struct tar_entry *entries, size_t n, struct buf *ret, struct err *err);

/* Appends one ustar header with a right checksum. `name` must fit. */
void tar_header(struct buf *ret, const char *name, char type, uint64_t size, const char *link);
/* Appends data filled up to a whole block. */
void tar_data(struct buf *ret, const void *data, size_t len);

/* Writes a file in `dirfd`, whatever was there. */
int tar_save(int dirfd, const char *name, const void *data, size_t len);
/* Writes the index of a tar in `dirfd`. */
int tar_index(int dirfd, const char *tar, const char *index, struct err *err);
