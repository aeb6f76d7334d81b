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

static int hear(struct pipes *p, struct err *err)
{
    struct err said = {0};
    if (read_full(p->from_child[0], &said, sizeof(said)) != (ssize_t)sizeof(said))
        return err_set(err, -EIO, "a helper process ended early");
    if (err && said.code < 0)
        *err = said;
    return said.code;
}

static int talk(struct pipes *p, pid_t pid, const struct id_maps *maps, struct err *err)
{
    int r = hear(p, err);
    if (r == 0)
        r = userns_write_maps(pid, maps, err);
    if (r == 0)
        r = write_full(p->to_child[1], "", 1);
    return r < 0 ? r : hear(p, err);
}

int userns_run(const struct id_maps *maps, int (*fn)(void *arg, struct err *err), void *arg,
               struct err *err)
{
    auto_done(pipes) struct pipes p = {{-1, -1}, {-1, -1}};
    if (pipe2(p.to_child, O_CLOEXEC) < 0 || pipe2(p.from_child, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    fflush(NULL); /* what is buffered must not be written twice */
    pid_t pid = fork();
    if (pid < 0)
        return err_errno(err, -errno, "fork");
    if (pid == 0)
        child(&p, fn, arg);
    close_fd(&p.to_child[0]);
    close_fd(&p.from_child[1]);
    int r = talk(&p, pid, maps, err), status;
    close_fd(&p.to_child[1]); /* a child that still waits for its maps ends */
    proc_wait(pid, &status);
    return r;
}
