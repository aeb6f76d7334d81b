/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on attributes. */
#include "posix.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static mode_t mode_of(const char *arg)
{
    char *end;
    unsigned long v = strtoul(arg, &end, 8);
    if (*end)
        bad_argument("not a mode", arg);
    return (mode_t)v;
}

static int do_chmod(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(chmod(arg[0], mode_of(arg[1])));
}

static int do_fchmod(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(fchmod(slot_fd(r, arg[0]), mode_of(arg[1])));
}

static int do_chown(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(chown(arg[0], (uid_t)number(arg[1]), (gid_t)number(arg[2])));
}

static int do_lchown(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(lchown(arg[0], (uid_t)number(arg[1]), (gid_t)number(arg[2])));
}

static int do_fchown(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(fchown(slot_fd(r, arg[0]), (uid_t)number(arg[1]), (gid_t)number(arg[2])));
}

static const char *type_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "dir";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    case S_IFLNK: return "link";
    case S_IFCHR: return "char";
    case S_IFBLK: return "block";
    default: return "unknown";
    }
}

static void field(const struct stat *st, const char *name, struct buf *ret)
{
    if (ret->len)
        buf_add_char(ret, ' ');
    if (strcmp(name, "mode") == 0)
        buf_printf(ret, "0%o", st->st_mode & 07777);
    else if (strcmp(name, "type") == 0)
        buf_add_str(ret, type_name(st->st_mode));
    else if (strcmp(name, "nlink") == 0)
        buf_printf(ret, "%llu", (unsigned long long)st->st_nlink);
    else if (strcmp(name, "uid") == 0)
        buf_printf(ret, "%u", st->st_uid);
    else if (strcmp(name, "gid") == 0)
        buf_printf(ret, "%u", st->st_gid);
    else if (strcmp(name, "size") == 0)
        buf_printf(ret, "%lld", (long long)st->st_size);
    else if (strcmp(name, "has-blocks") == 0)
        buf_add_str(ret, st->st_blocks ? "yes" : "no");
    else if (strcmp(name, "rdev") == 0)
        buf_printf(ret, "%u:%u", major(st->st_rdev), minor(st->st_rdev));
    else if (strcmp(name, "atime") == 0)
        buf_printf(ret, "%lld.%09ld", (long long)st->st_atime, st->st_atim.tv_nsec);
    else if (strcmp(name, "mtime") == 0)
        buf_printf(ret, "%lld.%09ld", (long long)st->st_mtime, st->st_mtim.tv_nsec);
    else
        bad_argument("unknown field", name);
}

static int fields(int failed, const struct stat *st, char **arg, int n, struct buf *ret)
{
    if (failed)
        return -errno;
    for (int i = 1; i < n; i++)
        field(st, arg[i], ret);
    return 0;
}

static int do_stat(struct run *r, char **arg, int n, struct buf *ret)
{
    struct stat st;
    int failed = stat(arg[0], &st);
    return fields(failed, &st, arg, n, ret);
}

static int do_lstat(struct run *r, char **arg, int n, struct buf *ret)
{
    struct stat st;
    int failed = lstat(arg[0], &st);
    return fields(failed, &st, arg, n, ret);
}

static int do_fstat(struct run *r, char **arg, int n, struct buf *ret)
{
    struct stat st;
    int failed = fstat(slot_fd(r, arg[0]), &st);
    return fields(failed, &st, arg, n, ret);
}

/* identical A B: one object? */
static int do_identical(struct run *r, char **arg, int n, struct buf *ret)
{
    struct stat a, b;
    if (lstat(arg[0], &a) < 0 || lstat(arg[1], &b) < 0)
        return -errno;
    buf_add_str(ret, a.st_dev == b.st_dev && a.st_ino == b.st_ino ? "yes" : "no");
    return 0;
}

/* access PATH rwxf, with the effective ids. */
static int do_access(struct run *r, char **arg, int n, struct buf *ret)
{
    int how = F_OK;
    for (const char *s = arg[1]; *s; s++)
        how |= *s == 'r' ? R_OK : *s == 'w' ? W_OK : *s == 'x' ? X_OK : 0;
    return result(faccessat(AT_FDCWD, arg[0], how, AT_EACCESS));
}

static int do_truncate(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(truncate(arg[0], number(arg[1])));
}

static int do_ftruncate(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(ftruncate(slot_fd(r, arg[0]), number(arg[1])));
}

/* setxattr PATH NAME VALUE [create|replace] */
static int do_setxattr(struct run *r, char **arg, int n, struct buf *ret)
{
    int flags = n < 4 ? 0 : *arg[3] == 'c' ? XATTR_CREATE : XATTR_REPLACE;
    return result(lsetxattr(arg[0], arg[1], arg[2], strlen(arg[2]), flags));
}

static int do_getxattr(struct run *r, char **arg, int n, struct buf *ret)
{
    char value[65536];
    ssize_t len = lgetxattr(arg[0], arg[1], value, sizeof(value));
    if (len >= 0)
        buf_add(ret, value, (size_t)len);
    return result(len);
}

static int do_removexattr(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(lremovexattr(arg[0], arg[1]));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int do_listxattr(struct run *r, char **arg, int n, struct buf *ret)
{
    char names[65536];
    auto_strv all = {0};
    ssize_t len = llistxattr(arg[0], names, sizeof(names));
    for (const char *s = names; len > 0 && s < names + len; s += strlen(s) + 1)
        strv_add(&all, s);
    if (all.len)
        qsort(all.v, all.len, sizeof(*all.v), by_name);
    auto_free char *text = strv_join(&all, " ");
    buf_add_str(ret, all.len ? text : "nothing");
    return result(len);
}

static int do_pathconf(struct run *r, char **arg, int n, struct buf *ret)
{
    int what = strcmp(arg[1], "name") == 0   ? _PC_NAME_MAX
               : strcmp(arg[1], "path") == 0 ? _PC_PATH_MAX
                                             : _PC_LINK_MAX;
    buf_printf(ret, "%ld", pathconf(arg[0], what));
    return 0;
}

const struct call calls_attr[] = {{"chmod", 2, 2, do_chmod},
                                  {"fchmod", 2, 2, do_fchmod},
                                  {"chown", 3, 3, do_chown},
                                  {"lchown", 3, 3, do_lchown},
                                  {"fchown", 3, 3, do_fchown},
                                  {"stat", 1, 9, do_stat},
                                  {"lstat", 1, 9, do_lstat},
                                  {"fstat", 1, 9, do_fstat},
                                  {"identical", 2, 2, do_identical},
                                  {"access", 2, 2, do_access},
                                  {"truncate", 2, 2, do_truncate},
                                  {"ftruncate", 2, 2, do_ftruncate},
                                  {"setxattr", 3, 4, do_setxattr},
                                  {"getxattr", 2, 2, do_getxattr},
                                  {"removexattr", 2, 2, do_removexattr},
                                  {"listxattr", 1, 1, do_listxattr},
                                  {"pathconf", 2, 2, do_pathconf},
                                  {NULL, 0, 0, NULL}};
