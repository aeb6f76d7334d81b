/* SPDX-License-Identifier: Apache-2.0 */
/* Masked and read-only paths: podman's list (docs/security.md), and what --security-opt mask= and
 * unmask= change of it.
 *
 * Should: cover each path that this kernel has. Mustn't: cover with anything but the verified
 * /dev/null (CVE-2025-31133) or an empty read-only tmpfs; reach /proc by path for the list. */
#include "runtime/mounts.h"

#include "base/cleanup.h"
#include "base/safepath.h"
#include "runtime/mount_api.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HIDDEN_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

enum place { PROC, SYS };

static const char *const prefixes[] = {[PROC] = "/proc/", [SYS] = "/sys/"};

static const struct hidden {
    enum place place;
    bool read_only; /* else masked */
    const char *name;
} hidden[] = {
    {PROC, false, "acpi"},
    {PROC, false, "kcore"},
    {PROC, false, "keys"},
    {PROC, false, "latency_stats"},
    {PROC, false, "timer_list"},
    {PROC, false, "timer_stats"},
    {PROC, false, "sched_debug"},
    {PROC, false, "scsi"},
    {PROC, false, "interrupts"},
    {PROC, true, "asound"},
    {PROC, true, "bus"},
    {PROC, true, "fs"},
    {PROC, true, "irq"},
    {PROC, true, "sys"},
    {PROC, true, "sysrq-trigger"},
    {SYS, false, "firmware"},
    {SYS, false, "fs/selinux"},
    {SYS, false, "dev/block"},
    {SYS, false, "devices/virtual/powercap"},
};

static int mask_fd(int at, int null_fd)
{
    struct stat st;
    if (fstat(at, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return mount_new_at(at, "tmpfs", "tmpfs", HIDDEN_FLAGS, "size=0,nr_inodes=1,mode=755");
    auto_close int bound = mount_bind_at(null_fd, at, false, 0);
    return bound < 0 ? bound : 0;
}

static int mask(int fs, const char *name, int null_fd)
{
    auto_close int at = openat(fs, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return errno == ENOENT || errno == EACCES ? 0 : -errno;
    return mask_fd(at, null_fd);
}

static int make_read_only(int fs, const char *name)
{
    auto_close int at = openat(fs, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return errno == ENOENT ? 0 : -errno;
    auto_close int bound = mount_bind_at(at, at, true, HIDDEN_FLAGS);
    return bound < 0 ? bound : 0;
}

static bool is_shown(const struct sandbox *sb, const struct hidden *h)
{
    if (!sb->unmask.len)
        return false;
    char path[64];
    snprintf(path, sizeof(path), "%s%s", prefixes[h->place], h->name);
    for (size_t i = 0; i < sb->unmask.len; i++)
        if (fnmatch(sb->unmask.v[i], path, FNM_PATHNAME) == 0)
            return true;
    return false;
}

static int hide_list(const struct sandbox *sb, int proc, int sys, int null_fd, struct err *err)
{
    for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
        const struct hidden *h = &hidden[i];
        int fs = h->place == PROC ? proc : sys;
        if (is_shown(sb, h))
            continue;
        int r = h->read_only ? make_read_only(fs, h->name) : mask(fs, h->name, null_fd);
        if (r < 0)
            return err_errno(err, r, "%s %s%s", h->read_only ? "make read-only" : "mask",
                             prefixes[h->place], h->name);
    }
    return 0;
}

/* Paths of the user's, anywhere in the container. What is not there needs no cover. */
static int hide_more(const struct sandbox *sb, int rootfd, int null_fd, struct err *err)
{
    for (size_t i = 0; i < sb->mask.len; i++) {
        auto_close int at = safe_open(rootfd, sb->mask.v[i], O_PATH, 0);
        int r = at == -ENOENT || at == -ENOTDIR ? 0 : at < 0 ? at : mask_fd(at, null_fd);
        if (r < 0)
            return err_errno(err, r, "mask %s", sb->mask.v[i]);
    }
    return 0;
}

int hide_paths(const struct sandbox *sb, int rootfd, int proc, int null_fd, struct err *err)
{
    if (sb->unmask_all || sb->privileged)
        return hide_more(sb, rootfd, null_fd, err);
    auto_close int sys = mount_reopen(rootfd, "/sys", SYSFS_MAGIC);
    if (sys < 0)
        return err_errno(err, sys, "open the container's /sys");
    int r = hide_list(sb, proc, sys, null_fd, err);
    return r < 0 ? r : hide_more(sb, rootfd, null_fd, err);
}
