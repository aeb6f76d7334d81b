/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on names. */
#include "posix.h"

#include "base/err.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static mode_t octal(const char *arg)
{
    char *end;
    unsigned long v = strtoul(arg, &end, 8);
    if (*end)
        bad_argument("not a mode", arg);
    return (mode_t)v;
}

static int do_mkdir(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(mkdir(arg[0], octal(arg[1])));
}

static int do_rmdir(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(rmdir(arg[0]));
}

static int do_unlink(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(unlink(arg[0]));
}

static int do_link(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(link(arg[0], arg[1]));
}

/* linklink FROM TO: follows a symbolic link. */
static int do_linklink(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(linkat(AT_FDCWD, arg[0], AT_FDCWD, arg[1], AT_SYMLINK_FOLLOW));
}

/* flink SLOT TO */
static int do_flink(struct run *r, char **arg, int n, struct buf *ret)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", slot_fd(r, arg[0]));
    return result(linkat(AT_FDCWD, path, AT_FDCWD, arg[1], AT_SYMLINK_FOLLOW));
}

/* symlink TARGET PATH */
static int do_symlink(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(symlink(arg[0], arg[1]));
}

/* rename FROM TO [noreplace|exchange|whiteout] */
static int do_rename(struct run *r, char **arg, int n, struct buf *ret)
{
    unsigned flags = 0;
    if (n < 3)
        return result(rename(arg[0], arg[1]));
    if (strcmp(arg[2], "noreplace") == 0)
        flags = RENAME_NOREPLACE;
    else if (strcmp(arg[2], "exchange") == 0)
        flags = RENAME_EXCHANGE;
    else if (strcmp(arg[2], "both") == 0)
        flags = RENAME_NOREPLACE | RENAME_EXCHANGE;
    else
        bad_argument("unknown flag", arg[2]);
    return result(renameat2(AT_FDCWD, arg[0], AT_FDCWD, arg[1], flags));
}

static int do_mkfifo(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(mkfifo(arg[0], octal(arg[1])));
}

/* mknod PATH file|fifo|socket|char|block MODE [MAJOR MINOR] */
static int do_mknod(struct run *r, char **arg, int n, struct buf *ret)
{
    static const struct {
        const char *name;
        mode_t type;
    } types[] = {{"file", S_IFREG},
                 {"fifo", S_IFIFO},
                 {"socket", S_IFSOCK},
                 {"char", S_IFCHR},
                 {"block", S_IFBLK}};
    dev_t dev = n > 4 ? makedev((unsigned)number(arg[3]), (unsigned)number(arg[4])) : 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(arg[1], types[i].name) == 0)
            return result(mknod(arg[0], types[i].type | octal(arg[2]), dev));
    bad_argument("unknown type", arg[1]);
}

static int with_socket(const char *path, int (*fn)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
        bad_argument("no socket for", path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    return result(fn(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static int do_bind(struct run *r, char **arg, int n, struct buf *ret)
{
    return with_socket(arg[0], bind);
}

static int do_connect(struct run *r, char **arg, int n, struct buf *ret)
{
    return with_socket(arg[0], connect);
}

static int do_readlink(struct run *r, char **arg, int n, struct buf *ret)
{
    char target[8192];
    ssize_t len = readlink(arg[0], target, sizeof(target));
    if (len > 0)
        buf_add(ret, target, (size_t)len);
    return result(len);
}

/* list DIR: the names, sorted. */
static int do_list(struct run *r, char **arg, int n, struct buf *ret)
{
    struct err err = {0};
    auto_strv names = {0};
    int e = list_dir_at(AT_FDCWD, arg[0], &names, &err);
    if (e < 0)
        return e;
    auto_free char *all = strv_join(&names, " ");
    buf_add_str(ret, names.len ? all : "nothing");
    return 0;
}

/* flist SLOT: the names of an open directory, as it is read from its beginning. */
static int do_flist(struct run *r, char **arg, int n, struct buf *ret)
{
    size_t count = 0;
    int fd = dup(slot_fd(r, arg[0]));
    auto_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return -errno;
    rewinddir(d);
    const struct dirent *e;
    for (errno = 0; (e = readdir(d)); errno = 0)
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (errno)
        return -errno;
    buf_printf(ret, "%zu", count);
    return 0;
}

static int do_chdir(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(chdir(arg[0]));
}

static int do_fchdir(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(fchdir(slot_fd(r, arg[0])));
}

static int do_umask(struct run *r, char **arg, int n, struct buf *ret)
{
    umask(octal(arg[0]));
    return 0;
}

/* dtypes DIR: "ok" when d_type and d_ino are what lstat() says. */
static int do_dtypes(struct run *r, char **arg, int n, struct buf *ret)
{
    auto_closedir DIR *d = opendir(arg[0]);
    if (!d)
        return -errno;
    const struct dirent *e;
    while ((e = readdir(d))) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        if (e->d_ino != st.st_ino || (e->d_type && e->d_type != IFTODT(st.st_mode)))
            buf_printf(ret, "%s: %llu/%d but %llu/%d ", e->d_name, (unsigned long long)e->d_ino,
                       e->d_type, (unsigned long long)st.st_ino, IFTODT(st.st_mode));
    }
    return 0;
}

/* deep COUNT BYTES: goes down through so many new directories with names of so many bytes. */
static int do_deep(struct run *r, char **arg, int n, struct buf *ret)
{
    char name[256] = "";
    memset(name, 'd', (size_t)number(arg[1]) % sizeof(name));
    for (long long i = 0; i < number(arg[0]); i++)
        if (mkdir(name, 0755) < 0 || chdir(name) < 0)
            return -errno;
    return 0;
}

/* climb COUNT: up again, removing the directories. */
static int do_climb(struct run *r, char **arg, int n, struct buf *ret)
{
    for (long long i = 0; i < number(arg[0]); i++) {
        struct err err = {0};
        auto_strv names = {0};
        if (chdir("..") < 0)
            return -errno;
        int e = list_dir_at(AT_FDCWD, ".", &names, &err);
        if (e < 0)
            return e;
        strv_foreach (&names, name)
            if (name[0] == 'd' && rmdir(name) < 0)
                return -errno;
    }
    return 0;
}

const struct call calls_names[] = {{"mkdir", 2, 2, do_mkdir},       {"rmdir", 1, 1, do_rmdir},
                                   {"unlink", 1, 1, do_unlink},     {"link", 2, 2, do_link},
                                   {"flink", 2, 2, do_flink},       {"linklink", 2, 2, do_linklink},
                                   {"symlink", 2, 2, do_symlink},   {"rename", 2, 3, do_rename},
                                   {"mkfifo", 2, 2, do_mkfifo},     {"mknod", 3, 5, do_mknod},
                                   {"bind", 1, 1, do_bind},         {"connect", 1, 1, do_connect},
                                   {"readlink", 1, 1, do_readlink}, {"list", 1, 1, do_list},
                                   {"flist", 1, 1, do_flist},       {"chdir", 1, 1, do_chdir},
                                   {"fchdir", 1, 1, do_fchdir},     {"umask", 1, 1, do_umask},
                                   {"dtypes", 1, 1, do_dtypes},     {"deep", 2, 2, do_deep},
                                   {"climb", 1, 1, do_climb},       {NULL, 0, 0, NULL}};
