/* SPDX-License-Identifier: Apache-2.0 */
/* Entering the namespaces of a container that runs.
 *
 * Should: enter exactly the namespaces of the process that the caller named.
 * Mustn't: be visible to the container's root as anything that can be opened or traced. */
#include "runtime/join.h"

#include "base/cleanup.h"
#include "runtime/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The user namespace first: it gives the power to enter the others. */
static const struct {
    const char *name;
    unsigned flag;
} namespaces[JOIN_NAMESPACES] = {
    [JOIN_USER] = {"user", CLONE_NEWUSER},       [JOIN_MNT] = {"mnt", CLONE_NEWNS},
    [JOIN_PID] = {"pid", CLONE_NEWPID},          [JOIN_IPC] = {"ipc", CLONE_NEWIPC},
    [JOIN_UTS] = {"uts", CLONE_NEWUTS},          [JOIN_NET] = {"net", CLONE_NEWNET},
    [JOIN_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
};

int join_ended(struct err *err)
{
    int r = err_kind(err, ERR_EXIT, -ESRCH,
                     "can only create exec sessions on running containers: the container is not "
                     "running");
    if (err)
        err->status = JOIN_NOT_RUNNING;
    return r;
}

/* Opens a namespace unless it is ours too: entering what we are in already would take power over
 * the machine's own. */
static int open_namespace(pid_t pid, size_t i, struct join *j)
{
    char path[48];
    struct stat own, theirs;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i].name);
    if (stat(path, &own) < 0) /* a kernel without that kind */
        return errno == ENOENT ? 0 : -errno;
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, namespaces[i].name);
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &theirs) < 0)
        return -errno;
    if (own.st_dev != theirs.st_dev || own.st_ino != theirs.st_ino) {
        j->ns[i] = take_fd(&fd);
        j->flags |= namespaces[i].flag;
    }
    return 0;
}

static int open_namespaces(pid_t pid, struct join *j)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < JOIN_NAMESPACES; i++)
        r = open_namespace(pid, i, j);
    /* Looked at after the last of them: the pid was the pidfd's all the time. A zombie has no
     * namespaces. */
    struct pollfd p = {.fd = j->pidfd, .events = POLLIN};
    return r == -ENOENT || poll(&p, 1, 0) != 0 ? -ESRCH : r;
}

/* The oldest child that lives; 0: none. */
static pid_t first_child(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    auto_fclose FILE *f = fopen(path, "re");
    return f && fscanf(f, "%d", &child) == 1 ? child : 0;
}

static bool can_be_looked_at(pid_t pid)
{
    char path[48];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    return stat(path, &st) == 0 || errno != EACCES;
}

int join_target(const struct proc_id *init, pid_t *ret_pid)
{
    auto_close int init_fd = proc_open(init);
    if (init_fd < 0)
        return -ESRCH;
    if (can_be_looked_at(init->pid)) {
        *ret_pid = init->pid;
        return take_fd(&init_fd);
    }
    pid_t child = first_child(init->pid);
    auto_close int fd = child > 0 ? pidfd_open_pid(child) : -1;
    /* It was init's child when it was opened, and init was init. */
    struct pollfd p = {.fd = init_fd, .events = POLLIN};
    if (fd < 0 || first_child(init->pid) != child || poll(&p, 1, 0) != 0)
        return -ESRCH;
    *ret_pid = child;
    return take_fd(&fd);
}

int join_open(const struct proc_id *init, struct join *ret, struct err *err)
{
    pid_t pid;
    *ret = (struct join){.pidfd = join_target(init, &pid)};
    for (size_t i = 0; i < JOIN_NAMESPACES; i++)
        ret->ns[i] = -1;
    if (ret->pidfd < 0)
        return join_ended(err);
    int r = open_namespaces(pid, ret);
    if (r == -ESRCH)
        return join_ended(err);
    return r < 0 ? err_errno(err, r, "the container's namespaces") : 0;
}

void join_done(struct join *j)
{
    close_fd(&j->pidfd);
    for (size_t i = 0; i < JOIN_NAMESPACES; i++)
        close_fd(&j->ns[i]);
}

static int read_map(pid_t pid, const char *name, struct id_range *ranges, size_t max, size_t *ret_n,
                    struct err *err)
{
    char path[48];
    size_t n = 0;
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    auto_fclose FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT ? join_ended(err) : err_errno(err, -errno, "read %s", path);
    struct id_range r;
    while (n < max && fscanf(f, "%u %u %u", &r.inside, &r.outside, &r.count) == 3)
        ranges[n++] = r;
    if (n == 0)
        return join_ended(err); /* a zombie has none */
    *ret_n = n;
    return 0;
}

int join_read_maps(pid_t pid, struct id_maps *ret, struct err *err)
{
    struct id_maps m = {0};
    int r = read_map(pid, "uid_map", m.uids, sizeof(m.uids) / sizeof(*m.uids), &m.n_uids, err);
    if (r == 0)
        r = read_map(pid, "gid_map", m.gids, sizeof(m.gids) / sizeof(*m.gids), &m.n_gids, err);
    if (r < 0)
        return r;
    char path[48], said[8] = "";
    snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, said, sizeof(said) - 1) <= 0)
        return join_ended(err);
    m.single = said[0] == 'd'; /* "deny": groups stay as they are */
    *ret = m;
    return 0;
}

/* All at once; before Linux 5.8 one by one. */
static int enter_namespaces(const struct join *j)
{
    if (setns(j->pidfd, (int)j->flags) == 0)
        return 0;
    if (errno != EINVAL && errno != EBADF)
        return -errno;
    for (size_t i = 0; i < JOIN_NAMESPACES; i++)
        if (j->ns[i] >= 0 && setns(j->ns[i], (int)namespaces[i].flag) < 0)
            return -errno;
    return 0;
}

int join_enter(const struct join *j, const struct id_maps *ids, struct err *err)
{
    prctl(PR_SET_DUMPABLE, 0);
    int r = j->flags ? enter_namespaces(j) : 0;
    if (r == -ESRCH)
        return join_ended(err);
    if (r < 0)
        return err_errno(err, r, "enter the container's namespaces");
    r = process_become_root(ids, err);
    /* New ids reset it to what fs.suid_dumpable says. */
    prctl(PR_SET_DUMPABLE, 0);
    return r == 0 && chdir("/") < 0 ? err_errno(err, -errno, "the container's root") : r;
}

pid_t join_fork(struct err *err)
{
    pid_t pid = proc_clone(CLONE_PARENT | SIGCHLD);
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pid >= 0)
        return pid;
    /* What a pid namespace says whose init has ended. */
    return errno == ENOMEM ? join_ended(err) : err_errno(err, -errno, "fork in the container");
}
