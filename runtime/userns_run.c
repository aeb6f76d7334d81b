/* SPDX-License-Identifier: Apache-2.0 */
/* A function as root of a user namespace.
 *
 * Theory of operation. The child leaves for a user namespace of its own and says with a struct err
 * that it did; the parent, who may, writes the maps and answers with one byte; the child becomes
 * root there, works, and sends its result as a struct err. A pipe that ends early is the failure of
 * the other side. */
#include "runtime/userns_run.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/proc.h"
#include "runtime/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

struct pipes {
    int to_child[2], from_child[2];
};

static void pipes_done(struct pipes *p)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&p->to_child[i]);
        close_fd(&p->from_child[i]);
    }
}
DEFINE_AUTO(pipes, pipes_done)

static void say(const struct pipes *p, const struct err *e)
{
    write_full(p->from_child[1], e, sizeof(*e));
}

static int become_root(const struct pipes *p, struct err *err)
{
    const struct err ready = {0};
    char go;
    if (unshare(CLONE_NEWUSER) < 0)
        return userns_explain(-errno, err);
    say(p, &ready);
    if (read_full(p->to_child[0], &go, 1) != 1)
        _exit(1); /* the parent has said why */
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return err_errno(err, -errno, "become root of a user namespace");
    return 0;
}

static _Noreturn void child(struct pipes *p, int (*fn)(void *arg, struct err *err), void *arg)
{
    struct err err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_fd(&p->to_child[1]);
    close_fd(&p->from_child[0]);
    int r = become_root(p, &err);
    if (r == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* changing ids forgot it */
        r = fn(arg, &err);
    }
    err.code = r < 0 ? r : 0;
    say(p, &err);
    _exit(0);
}

static int hear(int from, struct err *err)
{
    struct err said = {0};
    if (read_full(from, &said, sizeof(said)) != (ssize_t)sizeof(said))
        return err_set(err, -EIO, "a helper process ended early");
    if (err && said.code < 0)
        *err = said;
    return said.code;
}

/* Until it is on its own. */
static int send_off(struct pipes *p, pid_t pid, const struct id_maps *maps, struct err *err)
{
    int r = hear(p->from_child[0], err);
    if (r == 0)
        r = userns_write_maps(pid, maps, err);
    if (r == 0 && (r = write_full(p->to_child[1], "", 1)) < 0)
        err_errno(err, r, "a helper process");
    return r;
}

int userns_begin(const struct id_maps *maps, int (*fn)(void *arg, struct err *err), void *arg,
                 struct userns_child *ret, struct err *err)
{
    auto_done(pipes) struct pipes p = {{-1, -1}, {-1, -1}};
    int status;
    if (pipe2(p.to_child, O_CLOEXEC) < 0 || pipe2(p.from_child, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    pid_t pid = fork();
    if (pid < 0)
        return err_errno(err, -errno, "fork");
    if (pid == 0)
        child(&p, fn, arg);
    close_fd(&p.to_child[0]);
    close_fd(&p.from_child[1]);
    int r = send_off(&p, pid, maps, err);
    if (r < 0) {
        close_fd(&p.to_child[1]); /* one that still waits for its maps ends */
        proc_wait(pid, &status);
        return r;
    }
    *ret = (struct userns_child){.pid = pid, .from = take_fd(&p.from_child[0])};
    return 0;
}

int userns_finish(struct userns_child *child, struct err *err)
{
    int status, r = hear(child->from, err);
    close_fd(&child->from);
    proc_wait(child->pid, &status);
    return r;
}

int userns_run(const struct id_maps *maps, int (*fn)(void *arg, struct err *err), void *arg,
               struct err *err)
{
    struct userns_child child;
    int r = userns_begin(maps, fn, arg, &child, err);
    return r < 0 ? r : userns_finish(&child, err);
}
