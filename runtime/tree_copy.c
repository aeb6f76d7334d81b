/* SPDX-License-Identifier: Apache-2.0 */
/* Copying and giving away trees.
 *
 * Theory of operation. A directory is read through a descriptor; each entry is opened below it with
 * O_NOFOLLOW, so whoever moves things about meanwhile (a second container with the same volume) can
 * at most have them left out. Names of one object are told by device and inode number. */
#include "runtime/tree_copy.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strv.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 1024 /* descriptors are held for each level */
#define LINKS_MAX 256  /* inodes with several names whose first is remembered: a descriptor each */
#define XATTR_MAX (64 * 1024)

/* Files with several names, until all of them have come by. */
struct linked {
    struct link {
        dev_t dev;
        ino_t ino;
        int dir; /* a copy of the descriptor where the first name is */
        char *name;
    } * v;
    size_t n, cap;
};

static void linked_done(struct linked *l)
{
    for (size_t i = 0; i < l->n; i++) {
        close(l->v[i].dir);
        free(l->v[i].name);
    }
    free(l->v);
}
DEFINE_AUTO(linked, linked_done)

static const struct link *linked_find(const struct linked *l, const struct stat *st)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].ino == st->st_ino && l->v[i].dev == st->st_dev)
            return &l->v[i];
    return NULL;
}

static void linked_add(struct linked *l, const struct stat *st, int dir, const char *name)
{
    int fd = l->n < LINKS_MAX ? fcntl(dir, F_DUPFD_CLOEXEC, 3) : -1;
    if (fd < 0)
        return; /* the names become files of their own */
    grow_array(l->v, l->n, l->cap);
    l->v[l->n++] = (struct link){st->st_dev, st->st_ino, fd, xstrdup(name)};
}

/* An O_PATH descriptor of a directory as one that can be read. */
static int reopen_dir(int fd)
{
    int r = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r < 0 ? -errno : r;
}

/* --- copy ----------------------------------------------------------------------------------- */

static void copy_xattrs(int from, int to)
{
    if (flistxattr(from, NULL, 0) <= 0)
        return; /* most have none: no room is made */
    auto_free char *names = xcalloc(1, XATTR_MAX), *value = xcalloc(1, XATTR_MAX);
    ssize_t len = flistxattr(from, names, XATTR_MAX);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
        ssize_t n = fgetxattr(from, names + at, value, XATTR_MAX);
        if (n >= 0 && fsetxattr(to, names + at, value, (size_t)n, 0) < 0)
            continue; /* a file system in memory takes some of them only */
    }
}

static int copy_attributes(int dir, const char *name, const struct stat *st)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    /* An id that is not known here stays ours. */
    if (fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL &&
        errno != EPERM)
        return -errno;
    if (!S_ISLNK(st->st_mode) && fchmodat(dir, name, st->st_mode & 07777, 0) < 0)
        return -errno;
    return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL ? -errno : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
    auto_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    auto_close int out =
        in < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0)
        return -errno;
    int r = copy_fd(in, out, NULL, NULL);
    if (r == 0)
        r = copy_attributes(to, name, st);
    if (r == 0)
        copy_xattrs(in, out);
    return r;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
    auto_free char *target = NULL;
    int r = read_link_at(from, name, &target, NULL);
    if (r == 0 && symlinkat(target, to, name) < 0)
        r = -errno;
    return r < 0 ? r : copy_attributes(to, name, st);
}

static int copy_node(int to, const char *name, const struct stat *st)
{
    if (mknodat(to, name, st->st_mode & (S_IFMT | 07777), st->st_rdev) < 0)
        return errno == EPERM ? 0 : -errno;
    return copy_attributes(to, name, st);
}

static int copy_into(int from, int to, int depth, struct linked *links, struct err *err);

static int copy_dir(int from, int to, const char *name, const struct stat *st, int depth,
                    struct linked *links, struct err *err)
{
    auto_close int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0 || mkdirat(to, name, 0700) < 0)
        return -errno;
    auto_close int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = out < 0 ? -errno : copy_into(in, out, depth + 1, links, err);
    if (r == 0)
        copy_xattrs(in, out);
    return r < 0 ? r : copy_attributes(to, name, st);
}

static int copy_entry(int from, int to, const char *name, int depth, struct linked *links,
                      struct err *err)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISDIR(st.st_mode))
        return copy_dir(from, to, name, &st, depth, links, err);
    const struct link *first = st.st_nlink > 1 ? linked_find(links, &st) : NULL;
    if (first)
        return linkat(first->dir, first->name, to, name, 0) < 0 ? -errno : 0;
    int r = S_ISREG(st.st_mode)   ? copy_file(from, to, name, &st)
            : S_ISLNK(st.st_mode) ? copy_link(from, to, name, &st)
                                  : copy_node(to, name, &st);
    if (r == 0 && st.st_nlink > 1)
        linked_add(links, &st, to, name);
    return r;
}

static int copy_into(int from, int to, int depth, struct linked *links, struct err *err)
{
    auto_strv names = {0};
    if (depth > DEPTH_MAX)
        return err_set(err, -ELOOP, "directories lie too deep in each other");
    int r = list_dir_at(from, ".", &names, err);
    for (size_t i = 0; i < names.len && r == 0; i++) {
        r = copy_entry(from, to, names.v[i], depth, links, err);
        if (r < 0 && (!err || !err->code))
            err_errno(err, r, "%s", names.v[i]);
    }
    return r;
}

int tree_copy(int from, int to, struct err *err)
{
    auto_done(linked) struct linked links = {0};
    auto_close int in = reopen_dir(from), out = reopen_dir(to);
    if (in < 0 || out < 0)
        return err_errno(err, in < 0 ? in : out, "open");
    return copy_into(in, out, 0, &links, err);
}

/* --- chown ---------------------------------------------------------------------------------- */

static int chown_dir(int dir, dev_t dev, uid_t uid, gid_t gid, int depth, struct err *err);

static int chown_entry(int dir, const char *name, dev_t dev, uid_t uid, gid_t gid, int depth,
                       struct err *err)
{
    auto_close int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return errno == ENOENT ? 0 : err_errno(err, -errno, "%s", name);
    if (st.st_dev != dev)
        return 0;
    if ((st.st_uid != uid || st.st_gid != gid) && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
        return err_errno(err, -errno, "%s", name);
    if (!S_ISDIR(st.st_mode))
        return 0;
    auto_close int sub = reopen_dir(fd);
    return sub < 0 ? err_errno(err, sub, "%s", name)
                   : chown_dir(sub, dev, uid, gid, depth + 1, err);
}

static int chown_dir(int dir, dev_t dev, uid_t uid, gid_t gid, int depth, struct err *err)
{
    auto_strv names = {0};
    if (depth > DEPTH_MAX)
        return err_set(err, -ELOOP, "directories lie too deep in each other");
    int r = list_dir_at(dir, ".", &names, err);
    for (size_t i = 0; i < names.len && r == 0; i++)
        r = chown_entry(dir, names.v[i], dev, uid, gid, depth, err);
    return r;
}

int tree_chown(int fd, uid_t uid, gid_t gid, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, -errno, "stat");
    if ((st.st_uid != uid || st.st_gid != gid) && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
        return err_errno(err, -errno, "change the owner");
    if (!S_ISDIR(st.st_mode))
        return 0;
    auto_close int dir = reopen_dir(fd);
    return dir < 0 ? err_errno(err, dir, "open") : chown_dir(dir, st.st_dev, uid, gid, 0, err);
}
