/* SPDX-License-Identifier: Apache-2.0 */
/* Masked and read-only paths: podman's list (docs/security.md).
 *
 * Should: cover each path that this kernel has. Mustn't: cover with anything but the verified
 * /dev/null (CVE-2025-31133) or an empty read-only tmpfs; reach /proc by path. */
#include "runtime/mounts.h"

#include "base/cleanup.h"
#include "runtime/mount_api.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <unistd.h>

#define HIDDEN_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const char *const proc_masked[] = {"acpi",          "kcore",      "keys",
                                          "latency_stats", "timer_list", "timer_stats",
                                          "sched_debug",   "scsi",       "interrupts"};
static const char *const proc_read_only[] = {"asound", "bus", "fs", "irq", "sys", "sysrq-trigger"};
static const char *const sys_masked[] = {"firmware", "fs/selinux", "dev/block",
                                         "devices/virtual/powercap"};

static int mask(int fs, const char *name, int null_fd)
{
    auto_close int at = openat(fs, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (at < 0 || fstat(at, &st) < 0)
        return errno == ENOENT || errno == EACCES ? 0 : -errno;
    if (S_ISDIR(st.st_mode))
        return mount_new_at(at, "tmpfs", "tmpfs", HIDDEN_FLAGS, "size=0,nr_inodes=1,mode=755");
    auto_close int bound = mount_bind_at(null_fd, at, false, 0);
    return bound < 0 ? bound : 0;
}

static int make_read_only(int fs, const char *name)
{
    auto_close int at = openat(fs, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return errno == ENOENT ? 0 : -errno;
    auto_close int bound = mount_bind_at(at, at, true, HIDDEN_FLAGS);
    return bound < 0 ? bound : 0;
}

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

int hide_paths(int rootfd, int proc, int null_fd, struct err *err)
{
    for (size_t i = 0; i < COUNT(proc_masked); i++) {
        int r = mask(proc, proc_masked[i], null_fd);
        if (r < 0)
            return err_errno(err, r, "mask /proc/%s", proc_masked[i]);
    }
    for (size_t i = 0; i < COUNT(proc_read_only); i++) {
        int r = make_read_only(proc, proc_read_only[i]);
        if (r < 0)
            return err_errno(err, r, "make /proc/%s read-only", proc_read_only[i]);
    }
    auto_close int sys = mount_reopen(rootfd, "/sys", SYSFS_MAGIC);
    if (sys < 0)
        return err_errno(err, sys, "open the container's /sys");
    for (size_t i = 0; i < COUNT(sys_masked); i++) {
        int r = mask(sys, sys_masked[i], null_fd);
        if (r < 0)
            return err_errno(err, r, "mask /sys/%s", sys_masked[i]);
    }
    return 0;
}
