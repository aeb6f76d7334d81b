/* SPDX-License-Identifier: Apache-2.0 */
/* The container's /dev.
 *
 * Should: hold the six harmless devices, bound from host nodes whose type and number were checked
 * while they were opened. Mustn't: touch whatever the image has in /dev (CVE-2025-31133): a fresh
 * tmpfs covers it before anything is made. */
#include "runtime/mounts.h"

#include "base/cleanup.h"
#include "runtime/idmap.h"
#include "runtime/mount_api.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEFAULT_SHM (UINT64_C(64000) * 1024) /* podman's default */
#define TTY_GROUP   5                        /* Debian's and everyone's gid of "tty" */

static const struct {
    const char *name;
    unsigned major, minor;
} nodes[6] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
              {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static const char *const links[][2] = {
    {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
    {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
};

int devices_open_host(int ret_fds[6], struct err *err)
{
    for (int i = 0; i < 6; i++) {
        char path[32];
        struct stat st;
        snprintf(path, sizeof(path), "/dev/%s", nodes[i].name);
        int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
            return err_errno(err, -errno, "the host's %s", path);
        if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(nodes[i].major, nodes[i].minor))
            return err_set(err, -ENODEV, "the host's %s is not device %u:%u", path, nodes[i].major,
                           nodes[i].minor);
        ret_fds[i] = fd;
    }
    return 0;
}

/* An empty file of our own tmpfs as target of a bind. */
static int node_bind(int dev, const char *name, int source, struct err *err)
{
    auto_close int made =
        openat(dev, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    auto_close int at = made < 0 ? -1 : openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return err_errno(err, -errno, "make /dev/%s", name);
    auto_close int bound = mount_bind_at(source, at, false, 0);
    return bound < 0 ? err_errno(err, bound, "bind /dev/%s", name) : 0;
}

/* A directory of our own tmpfs with a file system on it. */
static int sub_mount(int dev, const char *name, const char *type, unsigned long flags,
                     const char *data, struct err *err)
{
    auto_close int at = mkdirat(dev, name, 0755) < 0
                            ? -1
                            : openat(dev, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = at < 0 ? -errno : mount_new_at(at, type, name, flags, data);
    return r < 0 ? err_errno(err, r, "mount /dev/%s", name) : 0;
}

/* /dev/shm and /dev/mqueue go with the IPC namespace. */
static int shared_memory(int dev, const struct sandbox *sb, const struct host_files *hf,
                         struct err *err)
{
    static const char *const names[] = {"shm", "mqueue"};
    for (int i = 0; i < (sb->ns[NS_IPC].mode == NS_HOST ? 2 : 1); i++) {
        auto_close int at =
            mkdirat(dev, names[i], 0755) < 0
                ? -1
                : openat(dev, names[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        auto_close int bound = -1;
        if (at < 0)
            return err_errno(err, -errno, "make /dev/%s", names[i]);
        if (hf->ipc[i] < 0) /* a machine without it */
            continue;
        int r = sb->ns[NS_IPC].mode == NS_JOIN ? mount_attach(hf->ipc[i], at)
                                               : (bound = mount_bind_at(hf->ipc[i], at, false, 0));
        if (r < 0)
            return err_errno(err, r, "share /dev/%s", names[i]);
    }
    return 0;
}

static int private_memory(int dev, const struct sandbox *sb, struct err *err)
{
    char shm[64];
    if (sb->no_shm)
        return 0;
    snprintf(shm, sizeof(shm), "mode=1777,size=%" PRIu64,
             sb->shm_size ? sb->shm_size : DEFAULT_SHM);
    return sub_mount(dev, "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, shm, err);
}

static int sub_mounts(int dev, const struct sandbox *sb, const struct host_files *hf,
                      struct err *err)
{
    char pts[64];
    bool group = id_map_outside(sb->ids.gids, sb->ids.n_gids, TTY_GROUP) >= 0;
    snprintf(pts, sizeof(pts), "newinstance,ptmxmode=0666,mode=0620%s", group ? ",gid=5" : "");
    int r = sub_mount(dev, "pts", "devpts", MS_NOSUID | MS_NOEXEC, pts, err);
    if (r == 0 && (sb->ns[NS_IPC].mode == NS_HOST || hf->ipc[0] >= 0))
        r = shared_memory(dev, sb, hf, err);
    else if (r == 0)
        r = private_memory(dev, sb, err);
    if (r == 0 && sb->ns[NS_IPC].mode != NS_HOST)
        r = sub_mount(dev, "mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, err);
    return r;
}

int devices_mount(int rootfd, const struct sandbox *sb, const struct host_files *hf, int *ret_dev,
                  struct err *err)
{
    if (mkdirat(rootfd, "dev", 0755) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "make /dev in the container");
    auto_close int at = openat(rootfd, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return err_errno(err, -errno, "the image's /dev is no directory");
    int r = mount_new_at(at, "tmpfs", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64m");
    if (r < 0)
        return err_errno(err, r, "mount /dev");
    auto_close int dev = mount_reopen(rootfd, "/dev", TMPFS_MAGIC);
    if (dev < 0)
        return err_errno(err, dev, "open the container's /dev");
    for (int i = 0; i < 6; i++)
        if ((r = node_bind(dev, nodes[i].name, hf->devices[i], err)) < 0)
            return r;
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
        if (symlinkat(links[i][0], dev, links[i][1]) < 0)
            return err_errno(err, -errno, "make /dev/%s", links[i][1]);
    r = sub_mounts(dev, sb, hf, err);
    if (r < 0)
        return r;
    *ret_dev = take_fd(&dev);
    return 0;
}

int devices_terminal(int dev, int *ret_master, int *ret_slave, struct err *err)
{
    auto_close int master = openat(dev, "pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    unsigned number = 0;
    int unlock = 0;
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
        ioctl(master, TIOCGPTN, &number) < 0)
        return err_errno(err, -errno, "make a terminal");
    char name[32];
    snprintf(name, sizeof(name), "pts/%u", number);
    auto_close int slave = openat(dev, name, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    auto_close int node = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (slave < 0 || node < 0)
        return err_errno(err, -errno, "open the terminal");
    int r = node_bind(dev, "console", node, err);
    if (r < 0)
        return r;
    *ret_master = take_fd(&master);
    *ret_slave = take_fd(&slave);
    return 0;
}
