/* SPDX-License-Identifier: Apache-2.0 */
/* From the monitor's first step to a command that was executed in a running container.
 *
 * Should: take the same last stages as the container's init (process.c), with a terminal of the
 * container's own. Mustn't: leave a process behind after a failure. */
#include "runtime/exec.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/safepath.h"
#include "runtime/cgroup.h"
#include "runtime/init.h"
#include "runtime/oom_score.h"
#include "runtime/process.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define END_PATIENCE 1000 /* ms for a container to end whose processes were killed */

/* A pty of the container's devpts; nothing that lies at that place instead is taken for one. */
static int open_terminal(struct process *p, int root, struct err *err)
{
    struct statfs fs;
    int unlock = 0;
    auto_close int master = safe_open(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
    if (master < 0)
        return err_errno(err, master, "make a terminal in the container");
    if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
        return err_set(err, -ENODEV, "the container's /dev/pts is no file system of terminals");
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return err_errno(err, -errno, "make a terminal in the container");
    p->terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->terminal < 0)
        return err_errno(err, -errno, "open the terminal");
    int r = channel_send(p->channel, INIT_TERMINAL, NULL, 0, &master, 1);
    return r < 0 ? err_errno(err, r, "hand over the terminal") : 0;
}

/* The second child, in all namespaces. */
static _Noreturn void inside_main(struct process *p)
{
    struct err err = {0};
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = root < 0 ? err_errno(&err, -errno, "the container's root") : 0;
    if (p->subreaper)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (r == 0 && p->sb->tty)
        r = open_terminal(p, root, &err);
    if (r == 0)
        r = process_find_user(p, root, &err);
    if (r == 0)
        r = process_become(p, &err);
    if (r == -ENOTCONN)
        err_set(&err, r,
                "the container's file server is gone: stop the container and start it again");
    channel_send(p->channel, INIT_FAILED, &err, sizeof(err), NULL, 0);
    _exit(125);
}

/* The first child, which enters. */
static _Noreturn void outside_main(const struct exec_target *t, struct process *p, bool placed)
{
    struct err err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int r = placed ? 0 : cgroup_attach(p->sb->cgroup, getpid(), &err);
    if (r == 0)
        r = oom_score_set(p->sb, &err);
    if (r == 0)
        r = join_enter(&t->join, &p->sb->ids, &err);
    pid_t pid = r == 0 ? join_fork(&err) : -1;
    if (pid == 0)
        inside_main(p);
    if (pid > 0)
        channel_send(p->channel, INIT_JOINED, &pid, sizeof(pid), NULL, 0);
    else
        channel_send(p->channel, INIT_FAILED, &err, sizeof(err), NULL, 0);
    _exit(0);
}

static int start_child(const struct monitor_options *o, struct launched *l, pid_t *ret_pid,
                       int *ret_channel, struct err *err)
{
    int ends[2], child[3] = {-1, -1, -1};
    int r = channel_pair(ends, err);
    if (r == 0 && !o->sandbox->tty)
        r = streams_pipes(&l->io, o->sandbox->keep_stdin, child, err);
    if (r < 0)
        return r;
    const struct cgroup *cg = o->sandbox->cgroup;
    pid_t pid = cg ? proc_clone_into(SIGCHLD, cg->fd) : -1;
    bool placed = pid >= 0 || !cg;
    if (pid < 0)
        pid = fork();
    if (pid == 0) {
        close(ends[0]);
        struct process p = {.sb = o->sandbox,
                            .ops = &o->ops,
                            .channel = ends[1],
                            .stdio = {child[0], child[1], child[2]},
                            .terminal = -1,
                            .emulation = {.listener = -1,
                                          .user = o->exec->join.ns[JOIN_USER],
                                          .mnt = o->exec->join.ns[JOIN_MNT]},
                            .joins = true,
                            .privileged = o->exec->privileged,
                            .subreaper = o->exec->subreaper};
        outside_main(o->exec, &p, placed);
    }
    int code = -errno;
    close(ends[1]);
    for (int i = 0; i < 3; i++)
        close_fd(&child[i]);
    *ret_channel = ends[0];
    if (pid < 0)
        return err_errno(err, code, "fork");
    *ret_pid = pid;
    return 0;
}

int exec_launch(const struct monitor_options *o, const struct winsize *size, struct launched *ret,
                struct err *err)
{
    auto_close int channel = -1;
    pid_t first = 0;
    int status;
    int r = start_child(o, ret, &first, &channel, err);
    if (r < 0)
        return r;
    struct err own = {0};
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    const struct supervised who = {o->sandbox, o->exec->privileged ? UINT64_MAX : o->sandbox->caps,
                                   o->exec->join.pidfd};
    r = launch_follow(channel, NULL, size, &who, ret, msg, &own);
    proc_wait(first, &status);
    ret->supervisor = 0; /* it stays for what the command leaves behind */
    if (r < 0)
        launch_kill(ret);
    /* Now that nothing of ours holds the pid namespace up: was it killed with the container? */
    struct pollfd p = {.fd = o->exec->join.pidfd, .events = POLLIN};
    if (r == -EPIPE && poll(&p, 1, END_PATIENCE) > 0)
        return join_ended(err);
    if (r < 0 && err)
        *err = own;
    return r;
}
