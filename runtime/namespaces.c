/* SPDX-License-Identifier: Apache-2.0 */
/* Making the container's own namespaces and entering those it shares.
 *
 * Theory of operation. Without anything to join it is one clone. Else a child enters first: the
 * user namespace that owns the others, which gives it the power, then those; and clones init as
 * its sibling, so that init is the monitor's child all the same. A joined IPC namespace brings
 * its /dev/shm along, which can only be copied by a process in that container's mount namespace: a
 * second child, as who goes there does not come back.
 *
 * Should: leave no process but init. Mustn't: run anything of the other container's. */
#include "runtime/namespaces.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/proc.h"
#include "runtime/cgroup.h"
#include "runtime/idmap.h"
#include "runtime/mount_api.h"
#include "runtime/oom_score.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KILL_ROUNDS 1000 /* a fork bomb may take some */

/* By ns_kind. The user namespace is entered first: it gives the power to enter the others. */
static const struct {
    const char *name;
    unsigned flag;
} kinds[NS_KINDS] = {
    [NS_NET] = {"network", CLONE_NEWNET},      [NS_PID] = {"pid", CLONE_NEWPID},
    [NS_IPC] = {"ipc", CLONE_NEWIPC},          [NS_UTS] = {"uts", CLONE_NEWUTS},
    [NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP}, [NS_USER] = {"user", CLONE_NEWUSER},
};

static bool namespaces_joined(const struct sandbox *sb)
{
    for (size_t i = 0; i < NS_KINDS; i++)
        if (sb->ns[i].mode == NS_JOIN)
            return true;
    return false;
}

/* All namespaces of its own, for one clone. But that of cgroups has its root where its maker is, so
 * with a cgroup of its own it is init that makes it (init.c). */
static unsigned long own_flags(const struct sandbox *sb)
{
    unsigned long flags = CLONE_NEWNS | SIGCHLD;
    for (size_t i = 0; i < NS_KINDS; i++)
        if (sb->ns[i].mode == NS_PRIVATE && !(i == NS_CGROUP && sb->cgroup))
            flags |= kinds[i].flag;
    return flags;
}

static int enter_one(const struct sandbox *sb, enum ns_kind kind, struct err *err)
{
    if (sb->ns[kind].mode == NS_JOIN && setns(sb->ns[kind].fd, (int)kinds[kind].flag) < 0)
        return err_errno(err, -errno, "enter the %s namespace", kinds[kind].name);
    return 0;
}

static int enter(const struct sandbox *sb, struct err *err)
{
    int r = enter_one(sb, NS_USER, err);
    for (int i = 0; r == 0 && i < NS_KINDS; i++)
        if (i != NS_USER)
            r = enter_one(sb, (enum ns_kind)i, err);
    return r;
}

/* In a child of its own: a detached copy of the other container's /dev/shm. */
static _Noreturn void copy_shm(int mount_ns, int channel)
{
    struct err err = {0};
    if (setns(mount_ns, CLONE_NEWNS) < 0)
        err_errno(&err, -errno, "enter the other container's mount namespace");
    auto_close int shm =
        err.code ? -1 : open("/dev/shm", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    auto_close int tree = shm < 0 ? -1 : mount_copy(shm);
    if (!err.code && tree < 0)
        err_errno(&err, shm < 0 ? -errno : tree, "the other container's /dev/shm");
    channel_send(channel, 1, &err, sizeof(err), &tree, tree < 0 ? 0 : 1);
    _exit(0);
}

/* What the child `pid` says before it ends; closes `channel`, its other end being the child's. */
static struct err hear(pid_t pid, int channel, struct channel_msg *msg)
{
    struct err said = {.code = -EPIPE};
    int status;
    if (channel_recv(channel, msg) == 1 && msg->len == sizeof(said))
        memcpy(&said, msg->data, sizeof(said));
    close(channel);
    proc_wait(pid, &status);
    return said;
}

static int get_shm(const struct sandbox *sb, int *ret, struct err *err)
{
    int ends[2];
    if (sb->ns[NS_IPC].mode != NS_JOIN || sb->shm_mount_ns < 0)
        return 0;
    int r = channel_pair(ends, err);
    if (r < 0)
        return r;
    pid_t pid = fork();
    if (pid == 0)
        copy_shm(sb->shm_mount_ns, ends[1]);
    int code = -errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_errno(err, code, "fork");
    }
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct err said = hear(pid, ends[0], msg);
    if (!said.code && msg->n_fds == 1)
        *ret = take_fd(&msg->fds[0]);
    channel_msg_done(msg);
    if (said.code && err)
        *err = said;
    return said.code;
}

/* The child that enters; only init, its sibling, comes back from here. */
static int enter_and_fork(const struct sandbox *sb, int channel, int *ret_shm)
{
    struct err err = {0};
    pid_t pid = -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int r = oom_score_set(sb, &err); /* while our own files in /proc are still ours */
    prctl(PR_SET_DUMPABLE, 0);       /* what is in those namespaces already must not look into us */
    if (r == 0)
        r = enter(sb, &err);
    if (r == 0)
        r = get_shm(sb, ret_shm, &err);
    if (r == 0)
        pid = proc_clone(own_flags(sb) | CLONE_PARENT);
    if (pid == 0)
        return 0;
    if (r == 0 && pid < 0)
        userns_explain(-errno, &err);
    err.status = pid > 0 ? pid : 0;
    channel_send(channel, 1, &err, sizeof(err), NULL, 0);
    _exit(0);
}

static pid_t fork_joined(const struct sandbox *sb, int *ret_shm, struct err *err)
{
    int ends[2];
    int r = channel_pair(ends, err);
    if (r < 0)
        return r;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        enter_and_fork(sb, ends[1], ret_shm);
        close(ends[1]);
        return 0;
    }
    int code = -errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_errno(err, code, "fork");
    }
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct err said = hear(pid, ends[0], msg);
    if (!said.code)
        return said.status;
    return err_set(err, said.code, "%s",
                   *said.message ? said.message : "the container's init could not be made");
}

static pid_t clone_own(const struct sandbox *sb, bool *ret_placed, struct err *err)
{
    pid_t pid = -1;
    if (sb->cgroup)
        pid = proc_clone_into(own_flags(sb), sb->cgroup->fd);
    *ret_placed = pid >= 0;
    if (pid < 0)
        pid = proc_clone(own_flags(sb));
    return pid < 0 ? userns_explain(-errno, err) : pid;
}

pid_t namespaces_fork(const struct sandbox *sb, int *ret_shm, struct err *err)
{
    bool placed = false;
    *ret_shm = -1;
    pid_t pid = namespaces_joined(sb) ? fork_joined(sb, ret_shm, err) : clone_own(sb, &placed, err);
    if (pid <= 0 || !sb->cgroup || placed)
        return pid;
    int status, r = cgroup_attach(sb->cgroup, pid, err);
    if (r == 0)
        return pid;
    kill(pid, SIGKILL);
    proc_wait(pid, &status);
    return r;
}

/* --- what is left ---------------------------------------------------------------------------- */

static uint64_t mount_of(pid_t pid)
{
    char path[48];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static bool kill_once(uint64_t mnt)
{
    bool found = false;
    auto_closedir DIR *proc = opendir("/proc");
    struct dirent *e;
    while (proc && (e = readdir(proc))) {
        pid_t pid = (pid_t)atoi(e->d_name);
        if (pid <= 0 || mount_of(pid) != mnt)
            continue;
        /* Held, then looked at again, so that it is not somebody else by now. */
        auto_close int fd = pidfd_open_pid(pid);
        if (fd < 0 || mount_of(pid) != mnt)
            continue;
        found = true;
        pidfd_signal(fd, SIGKILL);
    }
    return found;
}

int namespaces_hold_mounts(pid_t pid)
{
    char path[48];
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void namespaces_kill_rest(int *held)
{
    struct stat st;
    bool known = *held >= 0 && fstat(*held, &st) == 0;
    for (int i = 0; known && i < KILL_ROUNDS && kill_once(st.st_ino); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    close_fd(held);
}
