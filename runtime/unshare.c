/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace for a command of the host.
 *
 * Theory of operation. The maps can only be written from outside, so a child is made first; it
 * waits until its parent is in the new namespace, writes the parent's maps, tells, and ends. The
 * parent stays who it is: the command that it executes has our pid, terminal and exit status. */
#include "runtime/unshare.h"

#include "base/channel.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/proc.h"
#include "runtime/idmap.h"
#include "runtime/process.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

/* Waits for the byte, writes, answers with a struct err. */
static _Noreturn void writer_main(int sock, pid_t parent, const struct id_maps *maps)
{
    char go;
    struct err err = {0};
    if (read(sock, &go, 1) == 1)
        userns_write_maps(parent, maps, &err);
    write_full(sock, &err, sizeof(err));
    _exit(0);
}

static int take_maps(int sock, struct err *err)
{
    struct err answer;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return userns_explain(-errno, err);
    if (write_full(sock, "", 1) < 0 || read(sock, &answer, sizeof(answer)) != sizeof(answer))
        return err_set(err, -EPIPE, "the process that writes the id maps ended early");
    if (answer.code < 0 && err)
        *err = answer;
    return answer.code;
}

int unshare_user(const struct id_maps *maps, struct err *err)
{
    int ends[2], status;
    int r = channel_pair(ends, err);
    if (r < 0)
        return r;
    auto_close int mine = ends[0], theirs = ends[1];
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return err_errno(err, -errno, "fork");
    if (pid == 0) {
        close(mine);
        writer_main(theirs, parent, maps);
    }
    close_fd(&theirs);
    r = take_maps(mine, err);
    close_fd(&mine);
    proc_wait(pid, &status);
    if (r == 0)
        r = process_become_root(maps, err);
    if (r == 0 && mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
        r = err_errno(err, -errno, "mounts of the new namespace");
    return r;
}
