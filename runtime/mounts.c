/* SPDX-License-Identifier: Apache-2.0 */
/* proc, sys and the mounts that were asked for.
 *
 * Should: find every target by base/safepath in the container's root; make what is missing.
 * Mustn't: write through a procfs that was not verified (CVE-2019-19921); use a target path twice
 * (CVE-2021-30465). */
#include "runtime/mounts.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"
#include "runtime/mount_api.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A real directory right below the root (an image may have none, but no link in its place). */
static int top_dir(int rootfd, const char *name, struct err *err)
{
    if (mkdirat(rootfd, name, 0755) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "make /%s in the container", name);
    int fd = openat(rootfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_errno(err, -errno, "the image's /%s is no directory", name) : fd;
}

/* sysctl net.ipv4.ping_group_range: ping without privileges, as podman sets it. An older or smaller
 * kernel has none. */
static void allow_ping(int proc)
{
    auto_close int fd =
        openat(proc, "sys/net/ipv4/ping_group_range", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && write(fd, "0 0", 3) < 0)
        return;
}

/* The machine's own view, where a new one cannot be had: in a network namespace that is not ours,
 * or inside another container that covers part of /sys. */
static int sys_bind(int at, unsigned long flags)
{
    auto_close int host = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (host < 0)
        return -errno;
    auto_close int bound = mount_bind_at(host, at, true, flags);
    return bound < 0 ? bound : 0;
}

static int sys_mount(int rootfd, const struct sandbox *sb, struct err *err)
{
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    auto_close int at = top_dir(rootfd, "sys", err);
    if (at < 0)
        return at;
    int r = sb->ns[NS_NET].mode == NS_PRIVATE ? mount_new_at(at, "sysfs", "sysfs", flags, NULL)
                                              : sys_bind(at, flags);
    if (r == -EPERM || r == -EBUSY)
        r = sys_bind(at, flags);
    if (r < 0)
        return err_errno(err, r, "mount /sys");
    struct statfs sf;
    if (statfs("/sys/fs/cgroup", &sf) < 0 || sf.f_type != CGROUP2_SUPER_MAGIC)
        return 0;
    auto_close int sys = mount_reopen(rootfd, "/sys", SYSFS_MAGIC);
    auto_close int cg = sys < 0 ? -1 : openat(sys, "fs/cgroup", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (cg >= 0) /* programs read their limits there; without it they still run */
        mount_new_at(cg, "cgroup2", "cgroup", flags, NULL);
    return 0;
}

int mounts_proc_sys(int rootfd, const struct sandbox *sb, int *ret_proc, struct err *err)
{
    auto_close int at = top_dir(rootfd, "proc", err);
    if (at < 0)
        return at;
    int r = mount_new_at(at, "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (r < 0)
        return err_errno(err, r, "mount /proc%s",
                         r == -EPERM ? " (is part of the machine's /proc covered by mounts?)" : "");
    auto_close int proc = mount_reopen(rootfd, "/proc", PROC_SUPER_MAGIC);
    if (proc < 0)
        return err_errno(err, proc, "open the container's /proc");
    if (sb->ns[NS_NET].mode == NS_PRIVATE)
        allow_ping(proc);
    r = sys_mount(rootfd, sb, err);
    if (r < 0)
        return r;
    *ret_proc = take_fd(&proc);
    return 0;
}

/* Makes the missing target. A link that leads nowhere (resolv.conf of many images) has what it
 * names made, inside the root: `depth` of them. */
static int target_make(int rootfd, const char *path, bool directory, int depth)
{
    auto_free char *dir = NULL, *name = NULL;
    if (directory)
        return safe_mkdir_parents(rootfd, path, 0755);
    path_split(path, &dir, &name);
    auto_close int parent = safe_mkdir_parents(rootfd, dir, 0755);
    if (parent < 0)
        return parent;
    auto_close int made = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (made < 0 && errno != EEXIST)
        return -errno;
    auto_free char *link = NULL;
    if (made < 0 && depth > 0 && read_link_at(parent, name, &link, NULL) == 0) {
        auto_free char *next = path_join(dir, link);
        int fd = safe_open(rootfd, next, O_PATH, 0);
        return fd == -ENOENT ? target_make(rootfd, next, false, depth - 1) : fd;
    }
    int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int target_open(int rootfd, const char *path, bool directory)
{
    int fd = safe_open(rootfd, path, O_PATH, 0);
    return fd == -ENOENT ? target_make(rootfd, path, directory, 8) : fd;
}

static int volume_mount(int rootfd, const struct sandbox_mount *m, int source, struct err *err)
{
    unsigned long flags = (m->read_only ? MS_RDONLY : 0) | (m->no_exec ? MS_NOEXEC : 0) |
                          (m->no_suid ? MS_NOSUID : 0) | (m->no_dev ? MS_NODEV : 0);
    struct stat st = {.st_mode = S_IFDIR}, at_st;
    if (m->kind == MOUNT_BIND && fstat(source, &st) < 0)
        return err_errno(err, -errno, "mount source %s", m->source);
    auto_close int at = target_open(rootfd, m->target, S_ISDIR(st.st_mode));
    if (at < 0 || fstat(at, &at_st) < 0)
        return err_errno(err, at < 0 ? at : -errno, "mount target %s", m->target);
    if (S_ISDIR(st.st_mode) != S_ISDIR(at_st.st_mode))
        return err_set(err, -ENOTDIR, "cannot mount %s on %s: one is a directory, one is not",
                       m->kind == MOUNT_BIND ? m->source : "a tmpfs", m->target);
    if (m->kind == MOUNT_TMPFS) {
        int r = mount_new_at(at, "tmpfs", "tmpfs", flags, m->data);
        return r < 0 ? err_errno(err, r, "mount a tmpfs on %s", m->target) : 0;
    }
    auto_close int bound = mount_bind_at(source, at, m->recursive, flags);
    if (bound < 0)
        return err_errno(err, bound, "mount %s on %s", m->source, m->target);
    return 0;
}

int mounts_volumes(int rootfd, const struct sandbox *sb, const struct host_files *hf,
                   struct err *err)
{
    for (size_t i = 0; i < sb->n_mounts; i++) {
        int r = volume_mount(rootfd, &sb->mounts[i], hf->binds[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}
