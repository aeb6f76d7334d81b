/* SPDX-License-Identifier: Apache-2.0 */
/* The container's init: the stages from the clone to process.c's, in their order.
 *
 * Should: build everything that the container will see; report every failure with its message.
 * Mustn't: return, or run foreign code. */
#include "runtime/init.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "runtime/mount_api.h"
#include "runtime/mounts.h"
#include "runtime/oom_score.h"
#include "runtime/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the stages hand on. */
struct stage {
    const struct init_job *job;
    const struct sandbox *sb;
    struct host_files host;
    struct process process;
    int root, proc, dev;
};

static int wait_for_maps(struct stage *s, struct err *err)
{
    struct channel_msg *msg = xcalloc(1, sizeof(*msg));
    bool go = channel_recv(s->job->channel, msg) == 1 && msg->type == INIT_GO;
    free(msg);
    if (!go) /* the monitor has reported its own error */
        _exit(125);
    /* Before the change of ids: the user's files are opened as the user, who may have no id here.
     */
    int r = s->sb->ns[NS_USER].mode == NS_JOIN ? 0 : oom_score_set(s->sb, err);
    if (r == 0)
        r = host_files_open(s->job, &s->host, err);
    if (r == 0 && s->job->network >= 0)
        r = s->job->ops->net_enter(s->job->ops->ctx, s->job->network, err);
    if (r == 0)
        r = process_become_root(&s->sb->ids, err);
    /* We are in our cgroup now (namespaces.c): that becomes the root of what the container sees. */
    if (r == 0 && s->sb->cgroup && s->sb->ns[NS_CGROUP].mode == NS_PRIVATE &&
        unshare(CLONE_NEWCGROUP) < 0)
        return err_errno(err, -errno, "make a cgroup namespace");
    return r;
}

/* Should: leave the whole tree below s->root as the container will see it. */
static int build_tree(struct stage *s, struct err *err)
{
    int r;
    s->root = root_mount(s->job, &s->host, err);
    if (s->root < 0)
        return s->root;
    if ((r = mounts_proc_sys(s->root, s->sb, &s->proc, err)) < 0)
        return r;
    if ((r = devices_mount(s->root, s->sb, &s->host, &s->dev, err)) < 0)
        return r;
    if ((r = device_nodes_mount(s->root, s->sb, &s->host, err)) < 0)
        return r;
    if ((r = volumes_mount(s->root, s->job, &s->host, err)) < 0)
        return r;
    return hide_paths(s->sb, s->root, s->proc, s->host.devices[0], err);
}

static int open_terminal(struct stage *s, struct err *err)
{
    if (!s->sb->tty)
        return 0;
    auto_close int master = -1;
    int r = devices_terminal(s->dev, &master, &s->process.terminal, err);
    if (r == 0 && (r = channel_send(s->job->channel, INIT_TERMINAL, NULL, 0, &master, 1)) < 0)
        return err_errno(err, r, "hand over the terminal");
    return r;
}

static int set_names(struct stage *s, struct err *err)
{
    if (s->sb->hostname && s->sb->ns[NS_UTS].mode == NS_PRIVATE &&
        sethostname(s->sb->hostname, strlen(s->sb->hostname)) < 0)
        return err_errno(err, -errno, "set the host name to %s", s->sb->hostname);
    return 0;
}

static int await_network(struct stage *s, struct err *err)
{
    const struct monitor_ops *ops = s->job->ops;
    bool own_net = s->sb->ns[NS_NET].mode == NS_PRIVATE;
    int r = own_net && ops->net_setup ? ops->net_setup(ops->ctx, s->job->network, err) : 0;
    if (s->job->network >= 0)
        close(s->job->network);
    return r;
}

static int find_user(struct stage *s, struct err *err)
{
    int r = process_find_user(&s->process, s->root, err);
    const struct user *u = &s->process.user;
    return r < 0 ? r : volumes_chown(s->sb, &s->host, u->uid, u->gid, err);
}

static int seal_root(struct stage *s, struct err *err)
{
    close_fd(&s->root);
    close_fd(&s->proc);
    close_fd(&s->dev);
    if (!s->sb->read_only)
        return 0;
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = root < 0 ? -errno : mount_add_flags(root, false, MS_RDONLY);
    return r < 0 ? err_errno(err, r, "make the root read-only") : 0;
}

static int run_stages(struct stage *s, struct err *err)
{
    static int (*const stages[])(struct stage *, struct err *) = {
        wait_for_maps, build_tree, set_names, open_terminal, find_user, await_network,
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(stages) / sizeof(*stages); i++)
        r = stages[i](s, err);
    if (r == 0 && !s->job->ops->inside)
        r = emulate_prepare(s->sb, &s->process.emulation, err);
    if (r == 0)
        r = root_pivot(s->root, err);
    if (r == 0)
        r = seal_root(s, err);
    return r < 0 ? r : process_become(&s->process, err);
}

_Noreturn void init_main(const struct init_job *job)
{
    struct stage s = {.job = job,
                      .sb = job->sandbox,
                      .root = -1,
                      .proc = -1,
                      .dev = -1,
                      .process = {.sb = job->sandbox,
                                  .ops = job->ops,
                                  .channel = job->channel,
                                  .emulation = EMULATE_HANDOVER_NONE,
                                  .stdio = {job->stdio[0], job->stdio[1], job->stdio[2]},
                                  .terminal = -1}};
    struct err err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (job->sandbox->ns[NS_USER].mode == NS_JOIN)
        prctl(PR_SET_DUMPABLE, 0); /* others are in our namespaces already */
    umask(0022);
    run_stages(&s, &err);
    channel_send(job->channel, INIT_FAILED, &err, sizeof(err), NULL, 0);
    _exit(125);
}
