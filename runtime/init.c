/* SPDX-License-Identifier: Apache-2.0 */
/* The container's init: the stages between clone and exec, in their order.
 *
 * Should: do everything that needs power before the stage that gives it up; report every failure
 * with its message. Mustn't: return, leave a descriptor to the command, or run foreign code early.
 */
#include "runtime/init.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"
#include "runtime/caps.h"
#include "runtime/command.h"
#include "runtime/idmap.h"
#include "runtime/mount_api.h"
#include "runtime/mounts.h"
#include "runtime/seccomp_profile.h"
#include "runtime/user.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* What the stages hand on. */
struct stage {
    const struct init_job *job;
    const struct sandbox *sb;
    struct host_files host;
    struct user user;
    struct strv env;
    int root, proc, dev;
    int terminal; /* the pty's slave, or -1 */
    int std[3];   /* what becomes 0, 1, 2 */
};

static int wait_for_maps(struct stage *s, struct err *err)
{
    struct channel_msg *msg = xcalloc(1, sizeof(*msg));
    int r = channel_recv(s->job->channel, msg);
    bool go = r == 1 && msg->type == INIT_GO;
    free(msg);
    if (!go) /* the monitor has reported its own error */
        _exit(125);
    /* The clone's uid is already the user's, which is 0 here unless the maps say otherwise. */
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return err_errno(err, -errno, "become root of the container");
    return 0;
}

/* Should: leave the whole tree below s->root as the container will see it. */
static int build_tree(struct stage *s, struct err *err)
{
    int r = host_files_open(s->sb, &s->host, err);
    if (r < 0)
        return r;
    s->root = root_mount(s->job, &s->host, err);
    if (s->root < 0)
        return s->root;
    if ((r = mounts_proc_sys(s->root, s->sb, &s->proc, err)) < 0)
        return r;
    if ((r = devices_mount(s->root, s->sb, &s->host, &s->dev, err)) < 0)
        return r;
    if ((r = mounts_volumes(s->root, s->sb, &s->host, err)) < 0)
        return r;
    return hide_paths(s->root, s->proc, s->host.devices[0], err);
}

static int open_terminal(struct stage *s, struct err *err)
{
    if (!s->sb->tty)
        return 0;
    auto_close int master = -1;
    int r = devices_terminal(s->dev, &master, &s->terminal, err);
    if (r == 0 && (r = channel_send(s->job->channel, INIT_TERMINAL, NULL, 0, &master, 1)) < 0)
        return err_errno(err, r, "hand over the terminal");
    return r;
}

static int set_names(struct stage *s, struct err *err)
{
    if (s->sb->hostname && sethostname(s->sb->hostname, strlen(s->sb->hostname)) < 0)
        return err_errno(err, -errno, "set the host name to %s", s->sb->hostname);
    bool own_net = s->sb->ns[NS_NET].mode == NS_PRIVATE;
    return own_net && s->job->ops->net_setup ? s->job->ops->net_setup(s->job->ops->ctx, err) : 0;
}

static int find_user(struct stage *s, struct err *err)
{
    auto_free char *passwd = NULL, *group = NULL;
    int r = user_file_read(s->root, "/etc/passwd", &passwd, err);
    if (r == 0)
        r = user_file_read(s->root, "/etc/group", &group, err);
    if (r == 0)
        r = user_resolve(s->sb->user ? s->sb->user : "", passwd, group, &s->user, err);
    if (r < 0)
        return r;
    const struct id_maps *m = &s->sb->ids;
    if (id_map_outside(m->uids, m->n_uids, s->user.uid) < 0 ||
        id_map_outside(m->gids, m->n_gids, s->user.gid) < 0)
        return err_set(err, -EINVAL, "user %u:%u needs subordinate ids, and %s", s->user.uid,
                       s->user.gid,
                       m->single ? "this user has none (see /etc/subuid and /etc/subgid)"
                                 : "the ranges of this user do not reach so far");
    /* Groups that the map does not reach cannot be had; podman drops them too. */
    size_t n = 0;
    for (size_t i = 0; i < s->user.n_groups; i++)
        if (id_map_outside(m->gids, m->n_gids, s->user.groups[i]) >= 0)
            s->user.groups[n++] = s->user.groups[i];
    s->user.n_groups = n;
    command_env(s->sb, s->user.home, &s->env);
    return 0;
}

/* Makes the working directory when it is missing, and stands in it. Magic links are refused, so
 * that no descriptor into the host can be entered (CVE-2024-21626). */
static int enter_work_dir(struct stage *s, struct err *err)
{
    const char *path = s->sb->work_dir && *s->sb->work_dir ? s->sb->work_dir : "/";
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, -errno, "the container's root");
    auto_close int dir = safe_open(root, path, O_PATH | O_DIRECTORY, 0);
    if (dir == -ENOENT) {
        dir = safe_mkdir_parents(root, path, 0755);
        if (dir >= 0 && s->user.uid)
            (void)!fchownat(dir, "", s->user.uid, s->user.gid, AT_EMPTY_PATH);
    }
    if (dir < 0 || fchdir(dir) < 0)
        return err_errno(err, dir < 0 ? dir : -errno, "working directory %s", path);
    /* The system call, not libc's: the kernel writes "(unreachable)" in front of what is outside.
     */
    char cwd[4096];
    if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0 || cwd[0] != '/')
        return err_set(err, -EPERM, "working directory %s is outside of the container", path);
    return 0;
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

/* Should: give the command exactly 0, 1, 2 and a session of its own, with the pty as controlling
 * terminal or none at all (TIOCSTI). */
static int connect_stdio(struct stage *s, struct err *err)
{
    int *std = s->std;
    for (int i = 0; i < 3; i++)
        std[i] = s->terminal >= 0 ? s->terminal : s->job->stdio[i];
    auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return err_errno(err, -errno, "open /dev/null in the container");
    if (setsid() < 0 && errno != EPERM)
        return err_errno(err, -errno, "setsid");
    if (s->terminal >= 0 && ioctl(s->terminal, TIOCSCTTY, 0) < 0)
        return err_errno(err, -errno, "take the terminal");
    for (int i = 0; i < 3; i++) {
        int fd = std[i] < 0 ? null : std[i];
        /* A command of another user opens /dev/stdout again: it must own what is behind it. */
        if (std[i] >= 0 && s->user.uid)
            (void)!fchown(fd, s->user.uid, s->terminal >= 0 ? (gid_t)-1 : s->user.gid);
        /* The monitor's own 0-2 are taken, so no descriptor of ours is below 3. */
        if (dup2(fd, i) < 0)
            return err_errno(err, -errno, "standard descriptors");
    }
    return 0;
}

static void raise_limit(int resource)
{
    struct rlimit rl;
    if (getrlimit(resource, &rl) == 0) {
        rl.rlim_cur = rl.rlim_max;
        setrlimit(resource, &rl);
    }
}

static int set_process(struct stage *s, struct err *err)
{
    raise_limit(RLIMIT_NOFILE);
    raise_limit(RLIMIT_NPROC);
    umask(s->sb->umask);
    /* A session keyring of its own; kernels without keyrings, or with a full quota, have none. */
    syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
        /* Before Linux 5.11 one by one: everything of ours has the flag, this is the second lock.
         */
        int max = (int)sysconf(_SC_OPEN_MAX);
        for (int fd = 3; fd < max && fd < 4096; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return s->sb->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
               ? err_errno(err, -errno, "no_new_privs")
               : 0;
}

static int become_user(struct stage *s, struct err *err)
{
    const struct user *u = &s->user;
    gid_t groups[USER_GROUPS_MAX];
    for (size_t i = 0; i < u->n_groups; i++)
        groups[i] = u->groups[i];
    /* In single-id mode setgroups is forbidden, and the user's own groups are what gives access to
     * project directories: they stay. Else they are explicit (CVE-2022-2989). */
    if (!s->sb->ids.single && setgroups(u->n_groups, groups) < 0)
        return err_errno(err, -errno, "set supplementary groups");
    /* Without this, leaving uid 0 would drop the power to load the seccomp policy. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "keep capabilities");
    if (setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0)
        return err_errno(err, -errno, "become user %u:%u", u->uid, u->gid);
    /* Changing ids forgot it. If the monitor is gone already, the next message tells. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_errno(err, -errno, "die with the monitor");
    return 0;
}

/* Should: end with the command's capabilities and the seccomp policy, in the one order in which
 * both can be had without no_new_privs: bounding set, ids, policy, capabilities. */
static int drop_power(struct stage *s, struct err *err)
{
    int r = caps_drop_bounding(s->sb->caps, err);
    if (r == 0)
        r = become_user(s, err);
    /* setresuid cleared the effective set; the policy needs CAP_SYS_ADMIN once more. */
    if (r == 0 && s->user.uid && !s->sb->seccomp_unconfined)
        r = caps_set(UINT64_C(1) << CAP_SYS_ADMIN, err);
    if (r < 0)
        return r;
    r = channel_send(s->job->channel, INIT_EXEC, NULL, 0, NULL, 0);
    if (r < 0)
        _exit(125);
    if (!s->sb->seccomp_unconfined && (r = seccomp_profile_load(s->sb->caps, err)) < 0)
        return r;
    /* Root keeps the set; another user has none, as podman does. */
    return caps_set(s->user.uid ? 0 : s->sb->caps, err);
}

static int run_stages(struct stage *s, struct err *err)
{
    static int (*const stages[])(struct stage *, struct err *) = {
        wait_for_maps, build_tree, set_names, open_terminal, find_user,
    };
    static int (*const inside[])(struct stage *, struct err *) = {
        seal_root, connect_stdio, enter_work_dir, set_process, drop_power,
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(stages) / sizeof(*stages); i++)
        r = stages[i](s, err);
    if (r == 0)
        r = root_pivot(s->root, err);
    for (size_t i = 0; r == 0 && i < sizeof(inside) / sizeof(*inside); i++)
        r = inside[i](s, err);
    return r < 0 ? r : command_exec(&s->sb->args, &s->env, err);
}

_Noreturn void init_main(const struct init_job *job)
{
    struct stage s = {.job = job,
                      .sb = job->sandbox,
                      .root = -1,
                      .proc = -1,
                      .dev = -1,
                      .terminal = -1,
                      .std = {-1, -1, -1}};
    struct err err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    umask(0022);
    run_stages(&s, &err);
    channel_send(job->channel, INIT_FAILED, &err, sizeof(err), NULL, 0);
    _exit(125);
}
