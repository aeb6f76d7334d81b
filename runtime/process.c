/* SPDX-License-Identifier: Apache-2.0 */
/* The last stages, common to the container's init and to what joins it later: user, descriptors,
 * working directory, limits, power, exec.
 *
 * Should: take power away in the one order that works. Mustn't: leave a descriptor to the command,
 * or look anything up outside of the container's own files. */
#include "runtime/process.h"

#include "base/channel.h"
#include "base/cleanup.h"
#include "base/safepath.h"
#include "runtime/caps.h"
#include "runtime/command.h"
#include "runtime/idmap.h"
#include "runtime/init.h"
#include "runtime/reaper.h"
#include "runtime/seccomp_profile.h"
#include "runtime/user_files.h"
#include "spec/ulimit.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

int process_become_root(const struct id_maps *ids, struct err *err)
{
    uid_t uid = ids ? id_map_owner(ids->uids, ids->n_uids) : 0;
    gid_t gid = ids ? id_map_owner(ids->gids, ids->n_gids) : 0;
    /* Our uid is the user's, which is 0 here unless the maps say otherwise. */
    if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return err_errno(err, -errno, "become root of the container");
    return 0;
}

/* --group-add: groups that were asked for, so one that cannot be had is an error. */
static int add_groups(struct process *p, const char *group, struct err *err)
{
    const struct id_maps *m = &p->sb->ids;
    for (size_t i = 0; i < p->sb->groups.len; i++) {
        const char *name = p->sb->groups.v[i];
        size_t before = p->user.n_groups;
        int r = user_add_group(&p->user, name, group, err);
        if (r < 0)
            return r;
        if (emulate_shows_users(p->sb))
            continue;
        if (m->single)
            return err_set(err, -EPERM, "group %s: with a single id no groups can be added", name);
        if (p->user.n_groups > before &&
            id_map_outside(m->gids, m->n_gids, p->user.groups[before]) < 0)
            return err_set(err, -EINVAL, "group %s: the subordinate ids do not reach so far", name);
    }
    return 0;
}

static int no_such_user(const struct process *p, const struct user *u, struct err *err)
{
    const struct id_maps *m = &p->sb->ids;
    if (!m->single &&
        (id_map_outside(m->uids, m->n_uids, 0) < 0 || id_map_outside(m->gids, m->n_gids, 0) < 0))
        return err_set(err, -EINVAL,
                       "user %u:%u is not in the id map of this container (see --uidmap, --gidmap "
                       "and --user)",
                       u->uid, u->gid);
    return err_set(err, -EINVAL, "user %u:%u needs subordinate ids, and %s", u->uid, u->gid,
                   p->sb->ids.single ? "this user has none (see /etc/subuid and /etc/subgid)"
                                     : "the ranges of this user do not reach so far");
}

int process_find_user(struct process *p, int root, struct err *err)
{
    auto_done(user_files) struct user_files files = {0};
    int r = user_files_read(&files, p->sb, root, err);
    if (r == 0)
        r = user_resolve(p->sb->user ? p->sb->user : "", files.passwd, files.group, &p->user, err);
    if (r < 0)
        return r;
    const struct id_maps *m = &p->sb->ids;
    bool shown = !p->ops->inside && emulate_shows_users(p->sb);
    if (!shown && (id_map_outside(m->uids, m->n_uids, p->user.uid) < 0 ||
                   id_map_outside(m->gids, m->n_gids, p->user.gid) < 0))
        return no_such_user(p, &p->user, err);
    /* Groups that the map does not reach cannot be had; podman drops them too. */
    size_t n = 0;
    for (size_t i = 0; i < p->user.n_groups; i++)
        if (shown || id_map_outside(m->gids, m->n_gids, p->user.groups[i]) >= 0)
            p->user.groups[n++] = p->user.groups[i];
    p->user.n_groups = n;
    if ((r = add_groups(p, files.group, err)) < 0)
        return r;
    if (!p->joins && !p->ops->inside) {
        user_files_add(&files, p->sb, &p->user);
        if ((r = user_files_show(&files, p->sb, root, err)) < 0)
            return r;
    }
    command_env(p->sb, p->user.home, &p->env);
    if (p->ops->inside) {
        p->named_uid = p->user.uid;
        p->named_gid = p->user.gid;
        p->user = (struct user){.uid = id_map_owner(m->uids, m->n_uids),
                                .gid = id_map_owner(m->gids, m->n_gids)};
    }
    if (shown) {
        p->shown = p->user;
        p->user.uid = p->user.gid = 0;
        p->user.n_groups = 0;
    }
    return 0;
}

/* Makes the working directory when it is missing, and stands in it. Magic links are refused, so
 * that no descriptor into the host can be entered (CVE-2024-21626). */
static int enter_work_dir(struct process *p, struct err *err)
{
    const char *path = p->sb->work_dir && *p->sb->work_dir ? p->sb->work_dir : "/";
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, -errno, "the container's root");
    auto_close int dir = safe_open(root, path, O_PATH | O_DIRECTORY, 0);
    if (dir == -ENOENT && !p->joins) {
        dir = safe_mkdir_parents(root, path, 0755);
        if (dir >= 0 && p->user.uid)
            (void)!fchownat(dir, "", p->user.uid, p->user.gid, AT_EMPTY_PATH);
    }
    if (dir < 0 || fchdir(dir) < 0) {
        int r = err_errno(err, dir < 0 ? dir : -errno, "working directory %s", path);
        if (err)
            err->kind = ERR_NOT_EXEC;
        return r;
    }
    /* The system call, not libc's: the kernel writes "(unreachable)" in front of what is outside.
     */
    char cwd[4096];
    if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0 || cwd[0] != '/')
        return err_set(err, -EPERM, "working directory %s is outside of the container", path);
    return 0;
}

/* In a container that runs, its root may have put anything there: no magic link is followed, which
 * would lead to descriptors of ours, and nothing else is taken for the device. */
static int open_null(struct err *err)
{
    struct stat st;
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_close int fd =
        root < 0 ? -errno : safe_open(root, "/dev/null", O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return err_errno(err, fd, "open /dev/null in the container");
    if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
        return err_set(err, -ENODEV, "/dev/null in the container is not the null device");
    fcntl(fd, F_SETFL, O_RDWR);
    return take_fd(&fd);
}

/* Should: give the command exactly 0, 1, 2 and a session of its own, with the pty as controlling
 * terminal or none at all (TIOCSTI). */
static int connect_stdio(struct process *p, struct err *err)
{
    int std[3];
    for (int i = 0; i < 3; i++)
        std[i] = p->terminal >= 0 ? p->terminal : p->stdio[i];
    auto_close int null = open_null(err);
    if (null < 0)
        return null;
    if (setsid() < 0 && errno != EPERM)
        return err_errno(err, -errno, "setsid");
    if (p->terminal >= 0 && ioctl(p->terminal, TIOCSCTTY, 0) < 0)
        return err_errno(err, -errno, "take the terminal");
    for (int i = 0; i < 3; i++) {
        int fd = std[i] < 0 ? null : std[i];
        /* A command of another user opens /dev/stdout again: it must own what is behind it, unless
         * that is the caller's. */
        if (std[i] >= 0 && p->user.uid && !p->sb->passes_stdio)
            (void)!fchown(fd, p->user.uid, p->terminal >= 0 ? (gid_t)-1 : p->user.gid);
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

/* No process of a user namespace may raise a hard limit. */
static int set_limits(const struct sandbox *sb, struct err *err)
{
    for (size_t i = 0; i < sb->n_limits; i++) {
        const struct sandbox_limit *l = &sb->limits[i];
        struct rlimit now;
        if (getrlimit((__rlimit_resource_t)l->resource, &now) < 0)
            return err_errno(err, -errno, "limit %d", l->resource);
        struct rlimit rl = {.rlim_cur = l->soft == SANDBOX_LIMIT_MAX ? now.rlim_max : l->soft,
                            .rlim_max = l->hard == SANDBOX_LIMIT_MAX ? now.rlim_max : l->hard};
        if (rl.rlim_max > now.rlim_max)
            return err_set(err, -EPERM,
                           "ulimit %s: %llu is above the machine's hard limit for this user, %llu",
                           ulimit_name(l->resource), (unsigned long long)rl.rlim_max,
                           (unsigned long long)now.rlim_max);
        if (setrlimit((__rlimit_resource_t)l->resource, &rl) < 0)
            return err_errno(err, -errno, "ulimit %s", ulimit_name(l->resource));
    }
    return 0;
}

static int keep_fds(const struct sandbox *sb, struct err *err)
{
    for (size_t i = 0; i < sb->n_kept_fds; i++)
        if (fcntl(sb->kept_fds[i], F_SETFD, 0) < 0)
            return err_errno(err, -errno, "hand on file descriptor %d", sb->kept_fds[i]);
    return 0;
}

static int set_process(struct process *p, struct err *err)
{
    raise_limit(RLIMIT_NOFILE);
    raise_limit(RLIMIT_NPROC);
    int r = set_limits(p->sb, err);
    if (r < 0)
        return r;
    umask(p->sb->umask);
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
    if ((r = keep_fds(p->sb, err)) < 0)
        return r;
    return p->sb->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
               ? err_errno(err, -errno, "no_new_privs")
               : 0;
}

static int become_user(struct process *p, struct err *err)
{
    const struct user *u = &p->user;
    gid_t groups[USER_GROUPS_MAX];
    for (size_t i = 0; i < u->n_groups; i++)
        groups[i] = u->groups[i];
    /* In single-id mode setgroups is forbidden, and the user's own groups are what gives access to
     * project directories: they stay. Else they are explicit (CVE-2022-2989). */
    if (!p->sb->ids.single && !p->sb->keep_groups && setgroups(u->n_groups, groups) < 0)
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

static void first_ids(const struct user *u, struct ids *ret)
{
    ret->uid = (struct id_set){u->uid, u->uid, u->uid, u->uid};
    ret->gid = (struct id_set){u->gid, u->gid, u->gid, u->gid};
    ret->n_groups = (uint32_t)(u->n_groups < IDS_GROUPS_MAX ? u->n_groups : IDS_GROUPS_MAX);
    for (size_t i = 0; i < ret->n_groups; i++)
        ret->groups[i] = u->groups[i];
}

/* Should: hand the listener on before the policy, which it is not to escape, can get in the way.
 * What is emulated from here on is answered. */
static int start_emulation(struct process *p, uint64_t caps, struct err *err)
{
    struct emulate_handover *h = &p->emulation;
    bool shown = p->shown.uid || p->shown.gid;
    int r = emulate_load(p->sb, caps, &h->listener, err);
    if (r < 0)
        return r;
    if (h->listener < 0)
        return shown ? no_such_user(p, &p->shown, err) : 0;
    h->first = (struct ids){.n_groups = IDS_KEEP};
    if (shown)
        first_ids(&p->shown, &h->first);
    r = emulate_send(p->channel, h);
    emulate_handover_done(h);
    return r < 0 ? err_errno(err, r, "root emulation") : 0;
}

/* Should: end with the command's capabilities and the seccomp policy, in the one order in which
 * both can be had without no_new_privs: bounding set, ids, policy, capabilities. */
static int drop_power(struct process *p, struct err *err)
{
    uint64_t caps = p->privileged ? UINT64_MAX : p->sb->caps;
    /* What goes in for us has root's power, also where the maps have no 0. */
    bool other = p->user.uid && !p->ops->inside;
    int r = caps_drop_bounding(caps, err);
    if (r == 0)
        r = become_user(p, err);
    /* setresuid cleared the effective set; the policy needs CAP_SYS_ADMIN once more. */
    if (r == 0 && other && !p->sb->seccomp_unconfined)
        r = caps_set(UINT64_C(1) << CAP_SYS_ADMIN | (p->sb->user_caps & caps), err);
    if (r == 0 && !p->ops->inside)
        r = start_emulation(p, caps, err);
    if (r < 0)
        return r;
    r = channel_send(p->channel, INIT_EXEC, NULL, 0, NULL, 0);
    if (r < 0)
        _exit(125);
    if (!p->sb->seccomp_unconfined &&
        (r = seccomp_profile_load(p->sb->seccomp, p->sb->n_seccomp, err)) < 0)
        return r;
    /* Root keeps the set; another user has none but those that were asked for, as podman does. */
    r = caps_set(other ? p->sb->user_caps & caps : caps, err);
    return r == 0 && other && p->sb->user_caps ? caps_set_ambient(p->sb->user_caps, err) : r;
}

int process_become(struct process *p, struct err *err)
{
    static int (*const stages[])(struct process *, struct err *) = {
        connect_stdio,
        enter_work_dir,
        set_process,
        drop_power,
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(stages) / sizeof(*stages); i++)
        r = stages[i](p, err);
    if (r < 0)
        return r;
    if (!p->ops->inside) {
        r = p->sb->init && !p->joins ? reaper_start(p->terminal >= 0, err) : 0;
        return r < 0 ? r : command_exec(&p->sb->args, &p->env, p->sb->root_dir, err);
    }
    close(p->channel); /* the monitor takes it for the exec */
    _exit(p->ops->inside(p->ops->ctx, p->named_uid, p->named_gid));
}
