/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting by descriptor.
 *
 * Theory of operation. The target is an O_PATH descriptor that base/safepath found; mount(2) gets
 * it as /proc/self/fd/N of the host's procfs (all of this runs before pivot_root), which the kernel
 * follows to exactly that object. A bind is open_tree + move_mount; before Linux 5.2 it is mount(2)
 * on the same kind of name, and the result is opened again and compared with the source. */
#include "runtime/mount_api.h"

#include "base/cleanup.h"
#include "base/safepath.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* From linux/mount.h, which cannot be included beside every libc's sys/mount.h. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x04
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif
#ifndef FSMOUNT_CLOEXEC
#define FSMOUNT_CLOEXEC 1
#endif
#ifndef SYS_fsopen
#define SYS_fsopen   430
#define SYS_fsconfig 431
#define SYS_fsmount  432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

enum { SET_STRING = 1, CMD_CREATE = 6 }; /* of fsconfig() */

struct setattr_args { /* struct mount_attr, version 0 */
    uint64_t set, clear, propagation, userns_fd;
};

struct fd_name {
    char s[32];
};

static struct fd_name fd_name(int fd)
{
    struct fd_name n;
    snprintf(n.s, sizeof(n.s), "/proc/self/fd/%d", fd);
    return n;
}

int mount_new_at(int target_fd, const char *type, const char *source, unsigned long flags,
                 const char *data)
{
    struct fd_name to = fd_name(target_fd);
    return mount(source, to.s, type, flags, data) < 0 ? -errno : 0;
}

int mount_detached(const char *type, const char *key, const char *value)
{
    auto_close int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (fs < 0 || syscall(SYS_fsconfig, fs, SET_STRING, key, value, 0) < 0 ||
        syscall(SYS_fsconfig, fs, CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                          MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC); /* as MOUNT_ATTR_ */
    return fd < 0 ? -errno : fd;
}

int mount_add_flags(int fd, bool recursive, unsigned long flags)
{
    /* MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC have the values of their MS_ twins. */
    struct setattr_args args = {.set = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)};
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &args,
                sizeof(args)) == 0)
        return 0;
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    struct statvfs sv;
    if (fstatvfs(fd, &sv) < 0)
        return -errno;
    /* A remount names all flags; leaving out a locked one is refused. */
    static const struct {
        unsigned long st, ms;
    } kept[] = {{ST_RDONLY, MS_RDONLY},    {ST_NOSUID, MS_NOSUID},   {ST_NODEV, MS_NODEV},
                {ST_NOEXEC, MS_NOEXEC},    {ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME},
                {ST_RELATIME, MS_RELATIME}};
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        if (sv.f_flag & kept[i].st)
            flags |= kept[i].ms;
    struct fd_name to = fd_name(fd);
    return mount(NULL, to.s, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0 ? -errno : 0;
}

int mount_propagation(int fd, unsigned long flags)
{
    struct fd_name to = fd_name(fd);
    return mount(NULL, to.s, NULL, flags, NULL) < 0 ? -errno : 0;
}

/* Before Linux 5.2. */
static int bind_by_mount(int source_fd, int target_fd, bool recursive)
{
    struct fd_name from = fd_name(source_fd), to = fd_name(target_fd);
    if (mount(from.s, to.s, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL) < 0)
        return -errno;
    char path[4096];
    ssize_t n = readlink(to.s, path, sizeof(path) - 1);
    if (n < 0)
        return -errno;
    path[n] = 0;
    auto_close int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat a, b;
    if (fd < 0 || fstat(fd, &a) < 0 || fstat(source_fd, &b) < 0)
        return -errno;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino ? take_fd(&fd) : -EXDEV;
}

int mount_copy(int fd)
{
    int tree =
        (int)syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    return tree < 0 ? -errno : tree;
}

int mount_attach(int tree_fd, int target_fd)
{
    return syscall(SYS_move_mount, tree_fd, "", target_fd, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
               ? -errno
               : 0;
}

int mount_bind_at(int source_fd, int target_fd, bool recursive, unsigned long flags)
{
    auto_close int tree = (int)syscall(SYS_open_tree, source_fd, "",
                                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                                           (recursive ? AT_RECURSIVE : 0));
    if (tree < 0 && errno != ENOSYS)
        return -errno;
    if (tree < 0)
        tree = bind_by_mount(source_fd, target_fd, recursive);
    else if (syscall(SYS_move_mount, tree, "", target_fd, "",
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return -errno;
    if (tree < 0)
        return tree;
    int r = flags ? mount_add_flags(tree, recursive, flags) : 0;
    return r < 0 ? r : take_fd(&tree);
}

int mount_reopen(int rootfd, const char *path, long magic)
{
    auto_close int fd = safe_open(rootfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    struct statfs sf;
    if (fstatfs(fd, &sf) < 0)
        return -errno;
    return (long)sf.f_type == magic ? take_fd(&fd) : -ENOTSUP;
}
