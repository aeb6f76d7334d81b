/* SPDX-License-Identifier: Apache-2.0 */
/* Ends what a container leaves when its monitor was killed. */
#include "runtime/guard.h"

#include "base/cleanup.h"
#include "base/proc.h"
#include "runtime/namespaces.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* Should: hold nothing but the two descriptors, or a client would wait for us. The monitor's
 * signals are blocked or ignored here, too. */
static _Noreturn void guard_main(int monitor, int mounts)
{
    enum { MONITOR = 3, MOUNTS, FIRST_FREE };
    monitor = fcntl(monitor, F_DUPFD_CLOEXEC, FIRST_FREE);
    mounts = fcntl(mounts, F_DUPFD_CLOEXEC, FIRST_FREE);
    if (monitor < 0 || mounts < 0 || dup3(monitor, MONITOR, O_CLOEXEC) < 0 ||
        dup3(mounts, MOUNTS, O_CLOEXEC) < 0)
        _exit(1);
    fd_close_from(FIRST_FREE);
    proc_title("wherry: guard");
    struct pollfd p = {.fd = MONITOR, .events = POLLIN};
    while (poll(&p, 1, -1) <= 0)
        ;
    mounts = MOUNTS;
    namespaces_kill_rest(&mounts);
    _exit(0);
}

pid_t guard_start(int mounts, struct err *err)
{
    auto_close int monitor = pidfd_open_pid(getpid());
    if (monitor < 0)
        return err_errno(err, -errno, "pidfd_open");
    pid_t pid = fork();
    if (pid == 0)
        guard_main(monitor, mounts);
    return pid < 0 ? err_errno(err, -errno, "fork") : pid;
}
