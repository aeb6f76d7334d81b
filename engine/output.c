/* SPDX-License-Identifier: Apache-2.0 */
/* Where a stream goes that the user named.
 *
 * Theory of operation. A file is written without a name (O_TMPFILE) and named when it is whole, so
 * a writer that is killed leaves nothing. Linux has no call that puts such a file in the place of
 * another: it gets a name beside it first, for as long as a rename takes. Where a file system has
 * no such files, it has that name all the time, and whoever writes it holds its lock; one that
 * nobody holds is removed by the next writer of the same file. */
#include "engine/output.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strv.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*write_fn)(void *arg, int fd, struct err *err);

struct output {
    const char *path; /* without links */
    char *dir, *temporary;
    bool named; /* `temporary` is there */
    int fd;
};

static void output_done(struct output *o)
{
    if (o->named)
        unlink(o->temporary);
    close_fd(&o->fd);
    free(o->dir);
    free(o->temporary);
}
DEFINE_AUTO(output, output_done)

/* Removes what killed writers of this file left. */
static void sweep_dead(const struct output *o)
{
    const char *slash = strrchr(o->path, '/');
    auto_free char *prefix = xasprintf("%s.wherry-", slash ? slash + 1 : o->path);
    auto_strv names = {0};
    auto_close int dir = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || list_dir_at(dir, ".", &names, NULL) < 0)
        return;
    strv_foreach (&names, name) {
        if (strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        auto_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dir, name, 0);
    }
}

/* A file that has no name, or the temporary one. Negative errno. */
static int create(struct output *o)
{
    o->fd = open(o->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    sweep_dead(o);
    if (o->fd >= 0)
        return 0;
    o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (o->fd < 0)
        return -errno;
    o->named = true;
    flock(o->fd, LOCK_EX | LOCK_NB);
    return 0;
}

/* Puts the file where it belongs. */
static int publish(struct output *o, struct err *err)
{
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
    if (!o->named) {
        if (linkat(AT_FDCWD, self, AT_FDCWD, o->path, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            return err_errno(err, -errno, "create %s", o->path);
        flock(o->fd, LOCK_EX | LOCK_NB);
        o->named = linkat(AT_FDCWD, self, AT_FDCWD, o->temporary, AT_SYMLINK_FOLLOW) == 0;
    }
    if (!o->named || rename(o->temporary, o->path) < 0)
        return err_errno(err, -errno, "create %s", o->path);
    o->named = false;
    return 0;
}

/* The file is ours to write, its directory is not: as a shell's redirection would. */
static int write_in_place(const char *path, write_fn fn, void *arg, struct err *err)
{
    auto_close int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    return fd < 0 ? err_errno(err, -errno, "create %s", path) : fn(arg, fd, err);
}

/* `there`: what the file is now, or NULL; one that takes its place keeps its mode. */
static int write_file(const char *path, const struct stat *there, write_fn fn, void *arg,
                      struct err *err)
{
    const char *slash = strrchr(path, '/');
    auto_done(output) struct output o = {
        .path = path,
        .dir = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup("."),
        .temporary = xasprintf("%s.wherry-%d", path, (int)getpid()),
        .fd = -1};
    int r = create(&o);
    if (r < 0 && there)
        return write_in_place(path, fn, arg, err);
    if (r < 0)
        return err_errno(err, r, "create %s", path);
    if (there)
        fchmod(o.fd, there->st_mode & 0777);
    r = fn(arg, o.fd, err);
    return r < 0 ? r : publish(&o, err);
}

/* The file that a path leads to, whether it is there or not; the caller frees. NULL: too many
 * links. */
static char *behind_links(const char *path)
{
    char *at = xstrdup(path), target[PATH_MAX];
    for (int hops = 0; hops < 40; hops++) {
        ssize_t n = readlink(at, target, sizeof(target) - 1);
        if (n < 0)
            return at;
        target[n] = 0;
        const char *slash = strrchr(at, '/');
        char *next = *target == '/' || !slash ? xstrdup(target)
                                              : xasprintf("%.*s/%s", (int)(slash - at), at, target);
        free(at);
        at = next;
    }
    free(at);
    errno = ELOOP;
    return NULL;
}

/* /dev/stdout of a redirection to a file is no file to be replaced. */
static bool is_standard_output(const struct stat *st)
{
    struct stat out;
    return fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == st->st_dev && out.st_ino == st->st_ino;
}

int output_write(const char *path, write_fn fn, void *arg, struct err *err)
{
    struct stat st;
    bool there = path && stat(path, &st) == 0;
    if (path && (!there || (S_ISREG(st.st_mode) && !is_standard_output(&st)))) {
        auto_free char *file = behind_links(path);
        return file ? write_file(file, there ? &st : NULL, fn, arg, err)
                    : err_errno(err, -errno, "create %s", path);
    }
    bool standard = !path || is_standard_output(&st);
    auto_close int fd =
        standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, -errno, "open %s", path ? path : "standard output")
                  : fn(arg, fd, err);
}
