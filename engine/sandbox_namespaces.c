/* SPDX-License-Identifier: Apache-2.0 */
/* From the modes in HostConfig to the namespaces of a sandbox.
 *
 * Theory of operation. Every container has a user namespace of its own, and only with power in it
 * can the others that it owns be entered. So who joins any namespace of a container joins its user
 * namespace too; namespaces of different owners cannot be joined together. */
#include "engine/sandbox_namespaces.h"

#include "base/json.h"
#include "engine/container.h"
#include "engine/state.h"
#include "runtime/join.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* By ns_kind: the key in HostConfig, the place in struct join, the kernel's type. */
static const struct {
    const char *key;
    enum join_kind join;
    int type;
} kinds[NS_KINDS] = {
    [NS_NET] = {"NetworkMode", JOIN_NET, CLONE_NEWNET},
    [NS_PID] = {"PidMode", JOIN_PID, CLONE_NEWPID},
    [NS_IPC] = {"IpcMode", JOIN_IPC, CLONE_NEWIPC},
    [NS_UTS] = {"UTSMode", JOIN_UTS, CLONE_NEWUTS},
    [NS_CGROUP] = {"CgroupMode", JOIN_CGROUP, CLONE_NEWCGROUP},
    [NS_USER] = {"UsernsMode", JOIN_USER, CLONE_NEWUSER},
};

static bool names_other(const char *mode)
{
    return strncmp(mode, "container:", 10) == 0 || strncmp(mode, "ns:", 3) == 0;
}

void sandbox_namespaces_read(struct sandbox *sb, const json_t *document)
{
    const json_t *host = json_object_get(document, "HostConfig");
    sb->shm_mount_ns = -1;
    sb->init = json_is_true(json_object_get(host, "Init"));
    sb->no_shm = strcmp(json_get_string(host, "IpcMode", ""), "none") == 0;
    for (size_t i = 0; i < NS_KINDS; i++) {
        const char *mode = json_get_string(host, kinds[i].key, "");
        sb->ns[i].fd = -1;
        if (names_other(mode))
            sb->ns[i].mode = NS_JOIN;
        else if (i != NS_USER && strcmp(mode, "host") == 0)
            sb->ns[i].mode = NS_HOST;
    }
}

static bool same_file(int a, int b)
{
    struct stat sa, sb;
    return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Keeps a duplicate until sandbox_config_done(). */
static int keep(struct sandbox_config *config, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0)
        config->ns_fds[config->n_ns_fds++] = copy;
    return copy;
}

static int set_owner(struct sandbox_config *config, int user, const char *mode, struct err *err)
{
    struct sandbox_ns *ns = &config->sandbox.ns[NS_USER];
    if (ns->fd >= 0 && !same_file(ns->fd, user))
        return err_set(err, -EINVAL,
                       "%s: it belongs to another user namespace than what else is joined", mode);
    if (ns->fd < 0)
        *ns = (struct sandbox_ns){.mode = NS_JOIN, .fd = keep(config, user)};
    return ns->fd < 0 ? err_errno(err, -errno, "%s", mode) : 0;
}

static int join_container(struct sandbox_config *config, struct engine *e, size_t kind,
                          const char *mode, struct err *err)
{
    auto_done(store_container) struct store_container other = {0};
    struct proc_id init;
    struct join join = {.pidfd = -1};
    struct sandbox *sb = &config->sandbox;
    int r = store_container_find(&e->store, mode + 10, &other, err);
    if (r < 0)
        return r;
    if (container_status(&other) != CONTAINER_RUNNING)
        return err_set(err, -ESRCH,
                       "%s: container %s, whose namespace is to be joined, does not run",
                       kinds[kind].key, other.name);
    state_get_process(other.state, "Init", &init);
    r = join_open(&init, &join, err);
    if (r == 0 && join.ns[JOIN_USER] < 0)
        r = err_set(err, -EINVAL, "container %s is our own", other.name);
    if (r == 0)
        r = set_owner(config, join.ns[JOIN_USER], mode, err);
    if (r == 0 && !config->sandbox.ids.n_uids)
        r = join_read_maps(init.pid, &sb->ids, err);
    if (r == 0 && kind != NS_USER) {
        /* What it shares with the machine, we share with the machine. */
        int fd = join.ns[kinds[kind].join];
        sb->ns[kind] = fd < 0 ? (struct sandbox_ns){.mode = NS_HOST, .fd = -1}
                              : (struct sandbox_ns){.mode = NS_JOIN, .fd = keep(config, fd)};
        if (kind == NS_IPC && fd >= 0)
            sb->shm_mount_ns = keep(config, join.ns[JOIN_MNT]);
    }
    join_done(&join);
    return r;
}

/* "ns:PATH". The kernel tells the owner only of what is below our own user namespace. */
static int join_path(struct sandbox_config *config, size_t kind, const char *mode, struct err *err)
{
    auto_close int fd = open(mode + 3, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, -errno, "%s", mode);
    if (ioctl(fd, NS_GET_NSTYPE) != kinds[kind].type)
        return err_set(err, -EINVAL, "%s is not a namespace of that kind", mode);
    auto_close int user =
        kind == NS_USER ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : ioctl(fd, NS_GET_USERNS);
    auto_close int ours = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    if (user < 0)
        return err_set(err, -EPERM, "%s does not belong to a user namespace of yours", mode);
    int r = 0;
    if (!same_file(user, ours))
        r = set_owner(config, user, mode, err);
    else if (geteuid() != 0 || kind == NS_USER)
        return err_set(err, -EPERM, "%s: only root can enter a namespace of the machine's", mode);
    if (r == 0 && kind != NS_USER)
        config->sandbox.ns[kind] = (struct sandbox_ns){.mode = NS_JOIN, .fd = keep(config, fd)};
    return r;
}

int sandbox_namespaces_open(struct sandbox_config *config, struct engine *e, const json_t *document,
                            struct err *err)
{
    const json_t *host = json_object_get(document, "HostConfig");
    struct id_maps own = config->sandbox.ids;
    bool any = false;
    int r = 0;
    for (size_t i = 0; i < NS_KINDS; i++)
        any |= config->sandbox.ns[i].mode == NS_JOIN;
    if (!any)
        return 0;
    config->sandbox.ids = (struct id_maps){0};
    for (size_t i = 0; r == 0 && i < NS_KINDS; i++) {
        const char *mode = json_get_string(host, kinds[i].key, "");
        if (strncmp(mode, "container:", 10) == 0)
            r = join_container(config, e, i, mode, err);
        else if (strncmp(mode, "ns:", 3) == 0)
            r = join_path(config, i, mode, err);
    }
    /* A namespace by its path says nothing of the ids: they are taken to be as ours. */
    if (!config->sandbox.ids.n_uids)
        config->sandbox.ids = own;
    return r;
}
