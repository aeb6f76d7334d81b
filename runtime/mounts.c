/* SPDX-License-Identifier: Apache-2.0 */
/* proc and sys.
 *
 * Should: stand on real directories right below the root. Mustn't: write through a procfs that was
 * not verified (CVE-2019-19921). */
#include "runtime/mounts.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
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

static int set_sysctls(int proc, const struct sandbox *sb, struct err *err)
{
    for (size_t i = 0; i < sb->n_sysctls; i++) {
        const struct sandbox_sysctl *s = &sb->sysctls[i];
        auto_free char *path = xasprintf("sys/%s", s->path);
        auto_close int fd = openat(proc, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return err_errno(err, -errno, "sysctl %s%s", s->path,
                             errno == EACCES ? " (this kernel lets only the machine's root set it)"
                                             : "");
        int r = write_full(fd, s->value, strlen(s->value));
        if (r < 0)
            return err_errno(err, r, "set sysctl %s to \"%s\"", s->path, s->value);
    }
    return 0;
}

/* The machine's own view, where a new one cannot be had: in a network namespace that is not ours,
 * or inside another container that covers part of /sys. */
static int host_bind(int at, const char *path, unsigned long flags)
{
    auto_close int host = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (host < 0)
        return -errno;
    auto_close int bound = mount_bind_at(host, at, true, flags);
    return bound < 0 ? bound : 0;
}

static int sys_mount(int rootfd, const struct sandbox *sb, struct err *err)
{
    const unsigned long flags = (sb->privileged ? 0 : MS_RDONLY) | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    auto_close int at = top_dir(rootfd, "sys", err);
    if (at < 0)
        return at;
    int r = sb->ns[NS_NET].mode == NS_PRIVATE ? mount_new_at(at, "sysfs", "sysfs", flags, NULL)
                                              : host_bind(at, "/sys", flags);
    if (r == -EPERM || r == -EBUSY)
        r = host_bind(at, "/sys", flags);
    if (r < 0)
        return err_errno(err, r, "mount /sys");
    struct statfs sf;
    bool host = sb->ns[NS_CGROUP].mode == NS_HOST;
    if (!host && (statfs("/sys/fs/cgroup", &sf) < 0 || sf.f_type != CGROUP2_SUPER_MAGIC))
        return 0;
    auto_close int sys = mount_reopen(rootfd, "/sys", SYSFS_MAGIC);
    auto_close int cg = sys < 0 ? -1 : openat(sys, "fs/cgroup", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (cg >= 0 && host)
        return host_bind(cg, "/sys/fs/cgroup", flags);
    if (cg >= 0) /* programs read their limits there; without it they still run */
        mount_new_at(cg, "cgroup2", "cgroup", flags, NULL);
    return 0;
}

int mounts_proc_sys(int rootfd, const struct sandbox *sb, int *ret_proc, struct err *err)
{
    auto_close int at = top_dir(rootfd, "proc", err);
    if (at < 0)
        return at;
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    int r = sb->ns[NS_PID].mode == NS_HOST
                ? host_bind(at, "/proc", flags)
                : mount_new_at(at, "proc", "proc", flags, sb->proc_options);
    if (r < 0)
        return err_errno(err, r, "mount /proc%s",
                         r == -EPERM ? " (is part of the machine's /proc covered by mounts?)" : "");
    auto_close int proc = mount_reopen(rootfd, "/proc", PROC_SUPER_MAGIC);
    if (proc < 0)
        return err_errno(err, proc, "open the container's /proc");
    if (sb->ns[NS_NET].mode == NS_PRIVATE)
        allow_ping(proc);
    if ((r = set_sysctls(proc, sb, err)) < 0)
        return r;
    r = sys_mount(rootfd, sb, err);
    if (r < 0)
        return r;
    *ret_proc = take_fd(&proc);
    return 0;
}
