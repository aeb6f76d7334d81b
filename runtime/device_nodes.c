/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that were asked for: --device, and all of the machine's for --privileged.
 *
 * Should: bind what is a device when it is bound; find each target by base/safepath.
 * Mustn't: bind a file or directory of the host because it has a device's name; give a container
 * the machine's terminals or ptmx. */
#include "runtime/mounts.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"
#include "runtime/mount_api.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 8 /* directories of devices in each other: /dev/bus/usb/001 */

int device_nodes_open(const struct sandbox *sb, struct host_files *hf, struct err *err)
{
    if (!sb->n_devices && !sb->privileged)
        return 0;
    hf->nodes = xcalloc(sb->n_devices + 1, sizeof(*hf->nodes));
    for (size_t i = 0; i < sb->n_devices; i++)
        if ((hf->nodes[i] = open(sb->devices[i].source, O_PATH | O_CLOEXEC)) < 0)
            return err_errno(err, -errno, "device %s", sb->devices[i].source);
    if (sb->privileged &&
        (hf->nodes[sb->n_devices] = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_errno(err, -errno, "the host's /dev");
    return 0;
}

static int bind_node(int rootfd, int source, const char *target, struct err *err)
{
    auto_close int at = mounts_target(rootfd, target, false);
    if (at < 0)
        return err_errno(err, at, "make %s in the container", target);
    auto_close int bound = mount_bind_at(source, at, false, MS_NOSUID | MS_NOEXEC);
    return bound < 0 ? err_errno(err, bound, "bind device %s", target) : 0;
}

/* What --privileged does not bring: what every container has for itself, and the consoles. */
static bool is_containers_own(const char *name)
{
    static const char *const own[] = {"pts",         "shm",   "fd",      "mqueue", ".lxc",
                                      ".lxd-mounts", ".udev", "console", "ptmx",   "tty"};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    return strncmp(name, "tty", 3) == 0 && name[3] >= '0' && name[3] <= '9';
}

static int bind_directory(int rootfd, int source, const char *target, bool all, int depth,
                          struct err *err);

static int bind_entry(int rootfd, int dir, const char *name, const char *target, bool all,
                      int depth, struct err *err)
{
    struct stat st;
    auto_close int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return 0; /* it went away, as devices do */
    auto_free char *path = path_join(target, name);
    if (S_ISDIR(st.st_mode))
        return depth > 0 ? bind_directory(rootfd, fd, path, all, depth - 1, err) : 0;
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
        return 0;
    if (all) {
        auto_close int there = safe_open(rootfd, path, O_PATH | O_NOFOLLOW, 0);
        if (there >= 0)
            return 0;
    }
    return bind_node(rootfd, fd, path, err);
}

static int bind_directory(int rootfd, int source, const char *target, bool all, int depth,
                          struct err *err)
{
    auto_closedir DIR *dir =
        stream_dir(openat(source, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct dirent *e;
    if (!dir) /* one that the user may not look into holds nothing for him */
        return all ? 0 : err_errno(err, -errno, "device directory %s", target);
    while ((e = readdir(dir))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            (all && depth == DEPTH_MAX && is_containers_own(e->d_name)))
            continue;
        int r = bind_entry(rootfd, dirfd(dir), e->d_name, target, all, depth, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int device_nodes_mount(int rootfd, const struct sandbox *sb, const struct host_files *hf,
                       struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < sb->n_devices; i++) {
        const struct sandbox_device *d = &sb->devices[i];
        struct stat st;
        if (fstat(hf->nodes[i], &st) < 0)
            return err_errno(err, -errno, "device %s", d->source);
        if (S_ISDIR(st.st_mode))
            r = bind_directory(rootfd, hf->nodes[i], d->target, false, DEPTH_MAX, err);
        else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
            r = bind_node(rootfd, hf->nodes[i], d->target, err);
        else
            r = err_set(err, -ENODEV, "%s is not a device", d->source);
    }
    if (r == 0 && sb->privileged)
        r = bind_directory(rootfd, hf->nodes[sb->n_devices], "/dev", true, DEPTH_MAX, err);
    return r;
}
