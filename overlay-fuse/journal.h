/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of a writable layer whose file system has none of the user. kind: older NFS,
 * Lustre, tmpfs before Linux 6.6, ramfs.
 *
 * Theory of operation. (inode number → name → value) is in memory, and every change of it is a
 * record at the end of one file in the work directory, written before the call returns. So a server
 * that is killed loses nothing. A record has a checksum; reading ends at the first that is not
 * whole, and a writer cuts the file there. A file that is mostly records of no more use is written
 * anew beside itself, synced and renamed over.
 *
 * *Numbers are used again.* An object that is made starts with no attributes: whoever makes one
 * clears its number before it gets its name. That is what correctness rests on. What loses its last
 * name is cleared too, so that the journal does not grow; a crash in between leaves records that
 * say nothing about anybody, until the number is used again.
 *
 * *Power failures.* Records reach the disk when the file system likes, as names do, and by
 * journal_sync(). What must not be seen without its records (data that is still a layer's, a file
 * that stands for something else, a cut-off directory, a number that is used again) is named after
 * a sync. The other way round the file system keeps the order itself: the journal has grown after
 * the operation that its record is about, so it does not get to the disk before.
 *
 * *Readers* beside a writer follow the file: an object that they see has all of its records there.
 *
 * Everything hangs on inode numbers, so a copy of the writable layer has none of it. The head names
 * the number of the upper directory, by which a copy is found out. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "overlay-fuse/idmap.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JOURNAL_FILE "journal" /* in the work directory; an empty one counts as missing */

#define JOURNAL_MAGIC UINT64_C(0x31304e4a59525257) /* "WRRYJN01" */

struct journal_head {
    uint64_t magic;
    uint64_t upper_ino;
};

enum journal_kind {
    JOURNAL_SET = 1, /* name and value */
    JOURNAL_REMOVE,  /* a name */
    JOURNAL_CLEAR,   /* all of the object's */
};

/* Followed by the name, the value and zeros up to a multiple of 8. */
struct journal_record {
    uint64_t checksum; /* of what follows, the zeros too */
    uint64_t ino;
    uint32_t value_len;
    uint16_t name_len;
    uint16_t kind;
};

/* Bytes of names and values that one object may have. */
#define JOURNAL_OBJECT_MAX (128 * 1024)

struct journal {
    int fd, dir_fd;
    bool writable;
    bool dirty;     /* the file has records that were not synced */
    bool cleared;   /* some of them clear a number */
    bool dir_dirty; /* the file's name was not synced */
    uint64_t upper_ino;
    uint64_t end;        /* of the records that count; then comes the next one */
    uint64_t live;       /* bytes of the records that are of use */
    uint64_t slack;      /* garbage that is not worth writing the file anew */
    struct idmap by_ino; /* number → chain of attributes */
};

/* Opens the journal in a work directory, a writer makes it when it is missing. The writer has the
 * work directory locked. `upper_ino` is the number of the upper directory. */
int journal_open(int work_fd, uint64_t upper_ino, bool writable, struct journal **ret,
                 struct err *err);
void journal_close(struct journal *j);

/* As the system calls of these names. */
ssize_t journal_get(struct journal *j, uint64_t ino, const char *name, void *value, size_t size);
int journal_set(struct journal *j, uint64_t ino, const char *name, const void *value, size_t len,
                int flags);
int journal_remove(struct journal *j, uint64_t ino, const char *name);
/* Appends the names, each with its NUL. */
int journal_list(struct journal *j, uint64_t ino, struct buf *ret);
/* The object has no attributes, or there is a new one of that number. */
int journal_clear(struct journal *j, uint64_t ino);
/* The records are on the disk; `clears`: only if a number was cleared since the last time. */
int journal_sync(struct journal *j, bool clears);
