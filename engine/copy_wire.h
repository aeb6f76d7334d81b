/* SPDX-License-Identifier: Apache-2.0 */
/* What `cp` sends through a pipe: files and directories, from a process that stands in one place
 * to one that stands in another.
 *
 * Theory of operation. COPY_ROOT says what is copied. Then come entries, a directory before what is
 * in it; a regular file is followed by COPY_DATA with growing offsets, bytes that none covers are
 * zero, and a last one without bytes whose offset is the size. COPY_END ends it, or COPY_FAILED
 * with the sender's error at any time; an end of the pipe before one of them is a failure too. Both
 * ends are processes of ours on one machine, so numbers are in its byte order; but names come from
 * a hostile file system, so the receiver checks each of them. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define COPY_CHUNK      (128 * 1024)  /* most bytes of one COPY_DATA */
#define COPY_HEAD_MAX   (1024 * 1024) /* names and attributes of one entry */
#define COPY_XATTRS_MAX 64

enum copy_type { COPY_ROOT = 1, COPY_ENTRY, COPY_DATA, COPY_END, COPY_FAILED };

/* COPY_ROOT */
struct copy_root {
    bool is_dir;
    bool contents;    /* "dir/.": what is in it, not the directory by its name */
    bool archive;     /* a tar: `contents`, of a directory without a name */
    const char *name; /* last component */
};

/* COPY_ENTRY */
struct copy_entry {
    const char *path; /* relative to what is copied; "": that itself */
    const char *link; /* target of a symbolic link, else NULL */
    const char *same; /* path of an earlier entry that this is another name of, else NULL */
    mode_t mode;      /* with the type */
    uid_t uid;
    gid_t gid;
    uint64_t size; /* of a regular file when it was opened */
    struct timespec mtime;
    size_t n_xattrs;
    struct copy_xattr {
        const char *name;
        const void *value;
        size_t len;
    } xattrs[COPY_XATTRS_MAX];
};

/* One message, as received; everything in it points into `head` and `data`. */
struct copy_message {
    enum copy_type type;
    struct copy_root root;
    struct copy_entry entry;
    uint64_t offset; /* COPY_DATA */
    struct buf data;
    struct err failure; /* COPY_FAILED */
    struct buf head;
};

void copy_message_done(struct copy_message *m);
DEFINE_AUTO(copy_message, copy_message_done)

/* All return 0 or an error; -EPIPE: the receiver has gone, and its own error tells why. */
int copy_put_root(int fd, const struct copy_root *root, struct err *err);
int copy_put_entry(int fd, const struct copy_entry *entry, struct err *err);
int copy_put_data(int fd, uint64_t offset, const void *data, size_t len, struct err *err);
int copy_put_end(int fd, struct err *err);
int copy_put_failed(int fd, const struct err *failure);

/* Receives the next message into *m, which is reused. */
int copy_get(int fd, struct copy_message *m, struct err *err);
