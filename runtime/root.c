/* SPDX-License-Identifier: Apache-2.0 */
/* The container's root file system.
 *
 * Should: leave the new root as the only tree that the process can reach.
 * Mustn't: let a mount travel back to the host; follow anything inside the image. */
#include "runtime/idmap.h"
#include "runtime/mount_api.h"
#include "runtime/mounts.h"

#include "base/channel.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int host_files_open(const struct init_job *job, struct host_files *ret, struct err *err)
{
    const struct sandbox *sb = job->sandbox;
    *ret = (struct host_files){.fuse = -1, .root_dir = -1, .ipc = {job->shm, -1}};
    if (sb->ns[NS_IPC].mode == NS_HOST) {
        ret->ipc[0] = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ret->ipc[1] = open("/dev/mqueue", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    int r = volumes_open(sb, ret, err);
    if (r < 0)
        return r;
    if (sb->root_dir) {
        ret->root_dir = open(sb->root_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (ret->root_dir < 0)
            return err_errno(err, -errno, "root directory %s", sb->root_dir);
    } else if ((ret->fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0) {
        /* Opened here, in the container's user namespace: the kernel wants the mounter's. */
        return err_errno(err, -errno, "/dev/fuse, which serves the container's root");
    }
    r = devices_open_host(ret->devices, err);
    return r < 0 ? r : device_nodes_open(sb, ret, err);
}

/* A directory of the host that the root can cover in our private mount namespace, until it becomes
 * "/" itself. Not /proc, whose /proc/self/fd is needed. */
static int mount_point(char const **ret, struct err *err)
{
    static const char *const candidates[] = {"/tmp", "/mnt", "/usr", "/sys", "/etc"};
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
        int fd = open(candidates[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
            *ret = candidates[i];
            return fd;
        }
    }
    return err_set(err, -ENOENT, "no directory to mount the container's root on");
}

int fuse_mount(const struct init_job *job, uint32_t number, int device, int at, unsigned long flags,
               struct err *err)
{
    char data[256];
    const struct id_maps *ids = &job->sandbox->ids;
    job->ops->root_mount_data(device, id_map_owner(ids->uids, ids->n_uids),
                              id_map_owner(ids->gids, ids->n_gids), data);
    int r = mount_new_at(at, "fuse.wherry", "overlay", flags, data);
    if (r < 0)
        return err_errno(err, r, "mount by /dev/fuse");
    /* By which the server sees where who asks it runs. It does without on older kernels. */
    auto_close int procfs = mount_detached("proc", "subset", "pid");
    const int fds[2] = {device, procfs};
    r = channel_send(job->channel, INIT_DEVICE, &number, sizeof(number), fds, procfs < 0 ? 1 : 2);
    return r < 0 ? err_errno(err, r, "hand over a FUSE device") : 0;
}

/* Opened again it is the mount that lies over it now. */
static int root_reopen(const char *at_path, struct err *err)
{
    int root = open(at_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? err_errno(err, -errno, "open the container's root") : root;
}

int root_mount(const struct init_job *job, struct host_files *hf, struct err *err)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
        /* The first act that needs power in the namespace: AppArmor shows here. */
        int code = -errno;
        return code == -EACCES || code == -EPERM ? userns_explain(code, err)
                                                 : err_errno(err, code, "make mounts private");
    }
    const char *path = NULL;
    auto_close int at = mount_point(&path, err);
    if (at < 0)
        return at;
    if (hf->fuse >= 0) {
        int r = fuse_mount(job, 0, hf->fuse, at, 0, err);
        close_fd(&hf->fuse); /* the server alone holds it, so that its death is noticed */
        return r < 0 ? err_wrap(err, "the container's root") : root_reopen(path, err);
    }
    int root = mount_bind_at(hf->root_dir, at, true, 0);
    return root < 0 ? err_errno(err, root, "bind %s", job->sandbox->root_dir) : root;
}

int root_pivot(int rootfd, struct err *err)
{
    /* pivot_root(".", "."): the old root lands on top of the new one and is taken off there. */
    if (fchdir(rootfd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return err_errno(err, -errno, "pivot_root");
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return err_errno(err, -errno, "leave the host's tree");
    return 0;
}
