/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories. */
#include "base/file.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/strv.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int write_full(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

ssize_t read_full(int fd, void *data, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, (char *)data + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

ssize_t pread_full(int fd, void *data, size_t len, off_t offset)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, (char *)data + got, len - got, offset + (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int file_read_fd(int fd, size_t limit, struct buf *ret, struct err *err)
{
    auto_buf b = {0};
    for (;;) {
        size_t chunk = b.len ? b.len : 4096;
        if (chunk > 1 << 20)
            chunk = 1 << 20;
        buf_reserve(&b, chunk);
        ssize_t n = read(fd, b.data + b.len, chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, -errno, "read");
        if (n == 0)
            break;
        b.len += (size_t)n;
        b.data[b.len] = 0;
        if (b.len > limit)
            return err_set(err, -EFBIG, "larger than %zu bytes", limit);
    }
    if (ret->data) {
        buf_add(ret, b.data, b.len);
    } else {
        *ret = b;
        b = (struct buf){0};
    }
    return 0;
}

int file_open_at(int dirfd, const char *path, struct err *err)
{
    /* O_NONBLOCK: a fifo that stands where a file should must not hang us. */
    int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? err_errno(err, -errno, "open %s", path) : fd;
}

int file_read_at(int dirfd, const char *path, size_t limit, struct buf *ret, struct err *err)
{
    auto_close int fd = file_open_at(dirfd, path, err);
    if (fd < 0)
        return fd;
    if (file_read_fd(fd, limit, ret, err) < 0)
        return err ? err_wrap(err, "%s", path) : -EIO;
    return 0;
}

int file_read_named(const char *path, size_t limit, struct buf *ret, struct err *err)
{
    bool input = strcmp(path, "-") == 0;
    auto_close int own = input ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (!input && own < 0)
        return err_errno(err, -errno, "open %s", path);
    if (file_read_fd(input ? STDIN_FILENO : own, limit, ret, err) < 0)
        return err ? err_wrap(err, "%s", input ? "standard input" : path) : -EIO;
    return 0;
}

/* Splits off the directory part of `path` and returns an open descriptor of it. */
static int open_parent(int dirfd, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    auto_free char *dir =
        slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
    return open_dir_at(dirfd, dir, err);
}

static int fill_temporary(int fd, const void *data, size_t len, mode_t mode, int flags)
{
    int r = write_full(fd, data, len);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0 && (flags & FILE_SYNC) && fsync(fd) < 0)
        r = -errno;
    return r;
}

int file_write_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode, int flags,
                  struct err *err)
{
    auto_close int parent = open_parent(dirfd, path, err);
    if (parent < 0)
        return parent;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char suffix[ID_HEX_LEN + 1], tmp[64];
    id_random(suffix);
    snprintf(tmp, sizeof(tmp), ".tmp-%.24s", suffix);

    auto_close int fd = openat(parent, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, -errno, "create %s", path);
    int r = fill_temporary(fd, data, len, mode, flags);
    if (r == 0) {
        int how = flags & FILE_EXCL ? RENAME_NOREPLACE : 0;
        if (renameat2(parent, tmp, parent, name, how) < 0)
            r = -errno;
    }
    if (r < 0) {
        unlinkat(parent, tmp, 0);
        return err_errno(err, r, "write %s", path);
    }
    if ((flags & FILE_SYNC) && fsync(parent) < 0)
        return err_errno(err, -errno, "sync the directory of %s", path);
    return 0;
}

int mkdir_parents_at(int dirfd, const char *path, mode_t mode, struct err *err)
{
    if (mkdirat(dirfd, path, mode) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return err_errno(err, -errno, "mkdir %s", path);
    auto_free char *copy = xstrdup(path);
    for (char *p = copy + (*copy == '/'); *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
            return err_errno(err, -errno, "mkdir %s", copy);
        *p = '/';
    }
    if (mkdirat(dirfd, path, mode) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "mkdir %s", path);
    return 0;
}

int open_dir_at(int dirfd, const char *path, struct err *err)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_errno(err, -errno, "open directory %s", path) : fd;
}

int open_made_dir_at(int dirfd, const char *path, mode_t mode, struct err *err)
{
    int r = mkdir_parents_at(dirfd, path, mode, err);
    return r < 0 ? r : open_dir_at(dirfd, path, err);
}

/* Removing a tree holds one descriptor a level. A tree may be deeper than there are descriptors (a
 * container makes what it likes), so what lies deeper than this is first moved up to the top. */
#define REMOVE_DEPTH 32

struct removal {
    int top; /* the directory that is being removed */
    dev_t dev;
    unsigned moved;
};

static int remove_children(struct removal *rm, int fd, int depth);

static int move_up(struct removal *rm, int dirfd, const char *name)
{
    for (;;) {
        char to[32];
        snprintf(to, sizeof(to), ".rm-%u", rm->moved++);
        if (renameat2(dirfd, name, rm->top, to, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
    }
}

/* Opens a directory that is to be emptied. */
static int open_for_removal(int dirfd, const char *name, struct statx *ret)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    auto_close int sub = openat(dirfd, name, flags);
    if (sub < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        sub = openat(dirfd, name, flags);
    if (sub < 0 || statx(sub, "", AT_EMPTY_PATH, STATX_MODE, ret) < 0)
        return -errno;
    if ((ret->stx_mode & 0700) != 0700)
        fchmod(sub, 0700);
    return take_fd(&sub);
}

static dev_t device_of(const struct statx *st)
{
    return makedev(st->stx_dev_major, st->stx_dev_minor);
}

/* A bind of the same file system has its device: what is mounted is told by the kernel. */
static bool is_mounted_over(const struct removal *rm, const struct statx *st)
{
    return device_of(st) != rm->dev || (st->stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Removes the entry `name` of the directory `dirfd`; what is mounted is left. */
static int remove_entry(struct removal *rm, int dirfd, const char *name, int depth)
{
    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    struct statx st;
    int sub = open_for_removal(dirfd, name, &st);
    if (sub < 0)
        return sub == -ENOENT ? 0 : sub; /* another removes it, too */
    bool foreign = is_mounted_over(rm, &st);
    if (foreign || depth > REMOVE_DEPTH) {
        close(sub);
        return foreign ? -EXDEV : move_up(rm, dirfd, name);
    }
    int r = remove_children(rm, sub, depth);
    if (r < 0)
        return r;
    return unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

DIR *stream_dir(int fd)
{
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0) {
        int code = errno;
        close(fd);
        errno = code;
    }
    return d;
}

/* Takes over `fd`. Entries may vanish meanwhile. */
static int remove_children(struct removal *rm, int fd, int depth)
{
    auto_closedir DIR *d = stream_dir(fd);
    if (!d)
        return -errno;
    int first_error = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        int r = remove_entry(rm, fd, e->d_name, depth + 1);
        if (r < 0 && first_error == 0)
            first_error = r;
    }
    return first_error;
}

static int remove_tree(int dirfd, const char *path)
{
    if (unlinkat(dirfd, path, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    struct statx st;
    auto_close int top = open_for_removal(dirfd, path, &st);
    if (top < 0)
        return top == -ENOENT ? 0 : top;
    struct removal rm = {.top = top, .dev = device_of(&st)};
    for (unsigned before = 1; before != rm.moved;) { /* until nothing more came up */
        before = rm.moved;
        int fd = open_dir_at(top, ".", NULL);
        int r = fd < 0 ? fd : remove_children(&rm, fd, 0);
        if (r < 0)
            return r;
    }
    return unlinkat(dirfd, path, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int remove_tree_at(int dirfd, const char *path, struct err *err)
{
    int r = remove_tree(dirfd, path);
    return r < 0 ? err_errno(err, r, "remove %s", path) : 0;
}

#define SIZE_DEPTH 100

static void add_entry_size(int dirfd, const char *name, dev_t dev, int depth, uint64_t *total)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != dev)
        return;
    if (S_ISREG(st.st_mode)) {
        uint64_t there = (uint64_t)st.st_blocks * 512;
        *total += there < (uint64_t)st.st_size ? there : (uint64_t)st.st_size;
        return;
    }
    int fd = S_ISDIR(st.st_mode) && depth < SIZE_DEPTH ? open_dir_at(dirfd, name, NULL) : -1;
    auto_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !d)
        close(fd);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            add_entry_size(fd, e->d_name, dev, depth + 1, total);
}

void tree_size_at(int dirfd, const char *path, uint64_t *total)
{
    struct stat st;
    if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        add_entry_size(dirfd, path, st.st_dev, 0, total);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int list_dir_at(int dirfd, const char *path, struct strv *ret, struct err *err)
{
    int fd = open_dir_at(dirfd, path, err);
    if (fd < 0)
        return fd;
    auto_closedir DIR *d = stream_dir(fd);
    if (!d)
        return err_errno(err, -errno, "read directory %s", path);
    const struct dirent *e;
    for (errno = 0; (e = readdir(d)); errno = 0)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            strv_add(ret, e->d_name);
    if (errno)
        return err_errno(err, -errno, "read directory %s", path);
    if (ret->len)
        qsort(ret->v, ret->len, sizeof(*ret->v), by_name);
    return 0;
}

int copy_fd(int in, int out, uint64_t *ret_copied, struct err *err)
{
    uint64_t total = 0;
    for (;;) {
        ssize_t n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
        if (n <= 0) /* 0 may also be a file that lies about its size, as in /proc */
            break;
        total += (uint64_t)n;
    }
    auto_free char *chunk = xcalloc(1, 1 << 17);
    for (;;) {
        ssize_t n = read(in, chunk, 1 << 17);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, -errno, "read");
        if (n == 0)
            break;
        int r = write_full(out, chunk, (size_t)n);
        if (r < 0)
            return err_errno(err, r, "write");
        total += (uint64_t)n;
    }
    if (ret_copied)
        *ret_copied = total;
    return 0;
}

int read_link_at(int dirfd, const char *path, char **ret, struct err *err)
{
    char target[4097];
    ssize_t n = readlinkat(dirfd, path, target, sizeof(target) - 1);
    if (n < 0)
        return err_errno(err, -errno, "readlink %s", path);
    *ret = xstrndup(target, (size_t)n);
    return 0;
}

bool exists_at(int dirfd, const char *path)
{
    return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int lock_fd(int fd, bool exclusive, bool wait, struct err *err)
{
    int op = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);
    while (flock(fd, op) < 0) {
        if (errno == EINTR)
            continue;
        return err_errno(err, -errno, "lock");
    }
    return 0;
}

struct timespec time_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t;
}

const char *time_format(struct timespec t, char out[static 36])
{
    struct tm tm;
    gmtime_r(&t.tv_sec, &tm);
    size_t n = strftime(out, 36, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 36 - n, ".%09ldZ", t.tv_nsec);
    return out;
}

int time_parse(const char *s, struct timespec *ret)
{
    struct tm tm = {0};
    const char *p = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!p)
        return -EINVAL;
    long nsec = 0;
    if (*p == '.') {
        long unit = 100000000;
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            nsec += (*p - '0') * unit;
    }
    long offset = 0;
    if (*p == '+' || *p == '-') {
        int h, m;
        if (sscanf(p + 1, "%2d:%2d", &h, &m) != 2)
            return -EINVAL;
        offset = (h * 60L + m) * 60 * (*p == '-' ? -1 : 1);
    } else if (*p != 'Z') {
        return -EINVAL;
    }
    *ret = (struct timespec){.tv_sec = timegm(&tm) - offset, .tv_nsec = nsec};
    return 0;
}
