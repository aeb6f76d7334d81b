/* SPDX-License-Identifier: Apache-2.0 */
/* --init: process 1 of the container.
 *
 * It is a fork of the container's init that never executes anything, so no program of ours is in
 * the container or can be started there. What it was forked from is the machine's: /proc/1/exe
 * would lead to our program (CVE-2019-5736). So it is not dumpable, and as its memory belongs to
 * the machine's user namespace, no capability that the container has lets anybody open /proc/1/exe,
 * mem, fd, or trace it.
 *
 * Should: pass on what a program would get that is process 1 itself. Mustn't: hold a descriptor:
 * the end of the command's output must be seen. */
#include "runtime/reaper.h"

#include "base/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* True when the child has ended: *ret_code. */
static bool collect(pid_t child, int *ret_code)
{
    bool ended = false;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == child) {
            *ret_code = proc_exit_code(status);
            ended = true;
        }
    }
    return ended;
}

static _Noreturn void reap(pid_t child, const sigset_t *all)
{
    int code = 0;
    for (;;) {
        siginfo_t info;
        int sig = sigwaitinfo(all, &info);
        if (sig < 0)
            continue;
        if (sig == SIGCHLD && collect(child, &code))
            _exit(code);
        /* Stopping process 1 is not what Ctrl-Z means. */
        if (sig != SIGCHLD && sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
            kill(child, sig);
    }
}

static void let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    fd_close_from(3);
    (void)!chdir("/");
}

int reaper_start(bool tty, struct err *err)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_BLOCK, &all, NULL);
    prctl(PR_SET_DUMPABLE, 0);
    pid_t pid = fork();
    if (pid < 0)
        return err_errno(err, -errno, "fork the command");
    if (pid > 0) {
        let_go();
        prctl(PR_SET_NAME, "wherry-init");
        proc_title("wherry-init");
        reap(pid, &all);
    }
    /* The command is what the terminal's keys are for. SIGTTOU is blocked here. */
    setpgid(0, 0);
    if (tty)
        tcsetpgrp(0, getpid());
    sigprocmask(SIG_SETMASK, &none, NULL);
    return 0;
}
