/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories: whole reads, atomic writes, removal that never follows a link.
 *
 * Everything takes a directory descriptor and a path relative to it (AT_FDCWD works). These
 * functions trust the path's parents: they are for our own directories (store, run directory).
 * Paths that come from an image or a container go through base/safepath.h. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* Opens a file to be read, without waiting for anything. The descriptor, or a negative errno. */
int file_open_at(int dirfd, const char *path, struct err *err);
/* Reads a whole file of at most `limit` bytes into *ret (appended). -EFBIG when it is larger. */
int file_read_at(int dirfd, const char *path, size_t limit, struct buf *ret, struct err *err);
/* The same of what the user names in an option: a pipe (of "<(...)") is waited for, and "-" is
 * standard input. */
int file_read_named(const char *path, size_t limit, struct buf *ret, struct err *err);
int file_read_fd(int fd, size_t limit, struct buf *ret, struct err *err);

enum file_write_flags {
    FILE_SYNC = 1 << 0, /* fsync the file and its directory: for what must survive power loss */
    FILE_EXCL = 1 << 1, /* -EEXIST instead of replacing */
};

/* Writes a file so that readers see the old or the new content, never a part: temporary name beside
 * it, rename. `mode` as given, whatever the umask. */
int file_write_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode, int flags,
                  struct err *err);

/* Writes or reads all bytes, retrying on EINTR and short counts. 0 or negative errno;
 * read_full() returns the count, less than `len` only at the end of the file. */
int write_full(int fd, const void *data, size_t len);
ssize_t read_full(int fd, void *data, size_t len);
ssize_t pread_full(int fd, void *data, size_t len, off_t offset);

/* mkdir for each missing component. Existing directories keep their mode. */
int mkdir_parents_at(int dirfd, const char *path, mode_t mode, struct err *err);

/* Opens a directory (O_DIRECTORY|O_CLOEXEC|O_NOFOLLOW on the last component). Returns the fd. */
int open_dir_at(int dirfd, const char *path, struct err *err);

/* Opens a directory, made with `mode` first when missing. Returns the fd. */
int open_made_dir_at(int dirfd, const char *path, mode_t mode, struct err *err);

/* Removes a file or a whole tree. Never follows a symbolic link, never leaves the file system it
 * starts on, makes unreadable directories readable first. A missing path is success. */
int remove_tree_at(int dirfd, const char *path, struct err *err);

/* A stream of the entries of the open directory `fd`, which it takes over even when it fails: then
 * it is NULL, with errno set. A negative `fd` is a failure with errno as it was. */
DIR *stream_dir(int fd);

/* Adds the bytes that the regular files of a tree take: of one with holes only what is there. Never
 * follows a link or leaves the file system. What cannot be read, or lies deeper than 100 levels, is
 * not counted. */
void tree_size_at(int dirfd, const char *path, uint64_t *total);

/* The names in a directory, sorted, without "." and "..", as a malloc'd NULL-terminated vector in
 * *ret (struct strv). */
struct strv;
int list_dir_at(int dirfd, const char *path, struct strv *ret, struct err *err);

/* Copies all bytes of `in` (from its current offset) to `out`: copy_file_range, else read/write. */
int copy_fd(int in, int out, uint64_t *ret_copied, struct err *err);

/* readlink into an allocated string. */
int read_link_at(int dirfd, const char *path, char **ret, struct err *err);

/* True when the path exists (not following a link in the last component). */
bool exists_at(int dirfd, const char *path);

/* Takes a flock on `fd`: shared or exclusive; -EWOULDBLOCK when `wait` is false and it is held. */
int lock_fd(int fd, bool exclusive, bool wait, struct err *err);

/* Seconds since the epoch with fraction, and RFC 3339 in UTC with nanoseconds
 * ("2026-11-24T03:42:00.123456789Z") into `out`, at least 36 bytes. */
struct timespec time_now(void);
const char *time_format(struct timespec t, char out[static 36]);
/* Parses RFC 3339 with optional fraction and offset; 0 or -EINVAL. */
int time_parse(const char *s, struct timespec *ret);
