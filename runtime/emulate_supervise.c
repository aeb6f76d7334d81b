/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's life: from the monitor's fork to the end of the last process that it serves.
 *
 * Should: answer each call once, whatever becomes of who called. Mustn't: hold a descriptor of the
 * monitor's but the listener, the container's init, and /proc. */
#include "runtime/emulate_internal.h"

#include "base/alloc.h"
#include "base/proc.h"
#include "runtime/join.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif
#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1
#endif
/* Linux 6.6: who is woken runs where the waker ran, which is what a call and its answer want. */
#define NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define NOTIF_SYNC_WAKE UINT64_C(1)

bool call_valid(const struct call *c)
{
    uint64_t id = c->id;
    return ioctl(c->e->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static int64_t handle(struct call *c)
{
    switch (c->what->op) {
    case OP_CHOWN:
    case OP_LCHOWN:
    case OP_FCHOWN:
    case OP_FCHOWNAT: return call_chown(c);
    case OP_MKNOD:
    case OP_MKNODAT: return call_mknod(c);
    case OP_SETXATTR:
    case OP_LSETXATTR:
    case OP_FSETXATTR: return call_setxattr(c);
    case OP_STAT:
    case OP_LSTAT:
    case OP_FSTAT:
    case OP_FSTATAT:
    case OP_STATX: return call_stat(c);
    case OP_ACCESS:
    case OP_FACCESSAT:
    case OP_FACCESSAT2: return call_access(c);
    case OP_PRCTL: return call_keep_caps(c);
    case OP_SETGROUPS: return call_set_groups(c);
    case OP_GETGROUPS: return call_get_groups(c);
    case OP_GETUID:
    case OP_GETEUID:
    case OP_GETGID:
    case OP_GETEGID:
    case OP_GETRESUID:
    case OP_GETRESGID: return call_get_ids(c);
    default: return call_set_ids(c);
    }
}

/* On an error the process is gone, or killed: nobody waits. */
static void answer(struct emulator *e, int64_t value)
{
    struct seccomp_notif_resp *a = e->answer;
    memset(a, 0, e->answer_size);
    a->id = e->notif->id;
    if (value == CALL_CONTINUE)
        a->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (value < 0)
        a->error = (int)value;
    else
        a->val = value;
    if (ioctl(e->listener, SECCOMP_IOCTL_NOTIF_SEND, a) < 0 && errno == EINVAL && a->flags) {
        a->flags = 0; /* Linux before 5.5 */
        a->error = -ENOSYS;
        ioctl(e->listener, SECCOMP_IOCTL_NOTIF_SEND, a);
    }
}

static void serve_one(struct emulator *e)
{
    struct seccomp_notif *n = e->notif;
    memset(n, 0, e->notif_size); /* the kernel insists */
    if (ioctl(e->listener, SECCOMP_IOCTL_NOTIF_RECV, n) < 0)
        return; /* who asked was killed */
    struct call c = {.e = e,
                     .what = emulate_find(n->data.arch, (uint32_t)n->data.nr),
                     .id = n->id,
                     .pid = (pid_t)n->pid};
    for (int i = 0; i < 6; i++)
        c.arg[i] = n->data.args[i];
    answer(e, c.what ? handle(&c) : CALL_CONTINUE);
}

static _Noreturn void serve(struct emulator *e)
{
    struct pollfd p[] = {{.fd = e->listener, .events = POLLIN},
                         {.fd = e->init_fd, .events = POLLIN}};
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            _exit(1);
        if (p[0].revents & POLLIN)
            serve_one(e);
        else if (p[0].revents || p[1].revents)
            _exit(0); /* the last process with the filter, or the container */
    }
}

/* Descriptors 0, 1 and 2 are /dev/null. */
static int keep_only(struct emulator *e, struct join *j)
{
    int *const kept[] = {&e->listener, &e->proc, &e->init_fd, &j->ns[JOIN_USER], &j->ns[JOIN_MNT]};
    enum { N = sizeof(kept) / sizeof(*kept), FIRST = 3 };
    /* Out of the way of each other first. */
    for (size_t i = 0; i < N; i++)
        if (*kept[i] >= 0 && (*kept[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, FIRST + N)) < 0)
            return -errno;
    for (size_t i = 0; i < N; i++) {
        if (*kept[i] < 0)
            close(FIRST + (int)i);
        else if ((*kept[i] = dup3(*kept[i], FIRST + (int)i, O_CLOEXEC)) < 0)
            return -errno;
    }
    fd_close_from(FIRST + N);
    return 0;
}

static int look_at_root(struct emulator *e)
{
    struct statfs fs;
    struct stat st;
    if (statfs("/", &fs) < 0 || stat("/", &st) < 0)
        return -errno;
    e->dev = fs.f_type == FUSE_SUPER_MAGIC ? st.st_dev : 0;
    return 0;
}

static void make_room(struct emulator *e)
{
    struct seccomp_notif_sizes sizes = {0};
    syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
    e->notif_size = sizeof(*e->notif);
    e->answer_size = sizeof(*e->answer);
    if (sizes.seccomp_notif > e->notif_size)
        e->notif_size = sizes.seccomp_notif;
    if (sizes.seccomp_notif_resp > e->answer_size)
        e->answer_size = sizes.seccomp_notif_resp;
    e->notif = xcalloc(1, e->notif_size);
    e->answer = xcalloc(1, e->answer_size);
}

/* By what was opened of them: entering by a pidfd asks whether its process may be looked at. */
static int enter(struct emulator *e, struct join *j, struct err *err)
{
    int r = join_enter(j, e->maps, err);
    if (r == 0)
        r = look_at_root(e);
    close_fd(&j->ns[JOIN_USER]);
    close_fd(&j->ns[JOIN_MNT]);
    return r == 0 && fchdir(e->proc) < 0 ? -errno : r;
}

static _Noreturn void supervise(struct emulator *e, const struct emulate_handover *h)
{
    struct join j = JOIN_NONE;
    struct err err = {0};
    sigset_t none;
    j.ns[JOIN_USER] = h->user;
    j.ns[JOIN_MNT] = h->mnt;
    j.flags = CLONE_NEWUSER | CLONE_NEWNS;
    sigemptyset(&none);
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGTERM, SIG_IGN); /* a session ends: the container's processes may need us to end */
    sigprocmask(SIG_SETMASK, &none, NULL);
    proc_title("wherry: root emulation");
    make_room(e);
    ids_intern(&e->table, &h->first);
    int r = keep_only(e, &j);
    if (r == 0)
        r = enter(e, &j, &err);
    ioctl(e->listener, NOTIF_SET_FLAGS, NOTIF_SYNC_WAKE);
    if (r == 0)
        r = emulate_confine(e->caps, &err);
    if (r < 0)
        _exit(1); /* the calls answer ENOSYS */
    serve(e);
}

pid_t emulate_start(const struct emulate_handover *h, int init_fd, const struct id_maps *ids,
                    uint64_t caps, struct err *err)
{
    struct emulator e = {.listener = h->listener, .init_fd = init_fd, .maps = ids, .caps = caps};
    auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return err_errno(err, -errno, "root emulation: /proc");
    e.proc = proc;
    pid_t pid = fork();
    if (pid == 0)
        supervise(&e, h);
    return pid < 0 ? err_errno(err, -errno, "root emulation") : pid;
}
