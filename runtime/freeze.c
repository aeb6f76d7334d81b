/* SPDX-License-Identifier: Apache-2.0 */
/* All processes of a container stand still for a while. */
#include "runtime/freeze.h"

#include "base/file.h"
#include "runtime/join.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void ignore_signals(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        signal(ignored[i], SIG_IGN);
}

static void wait_for_end(int hold)
{
    char c;
    while (read(hold, &c, 1) < 0 && errno == EINTR)
        ;
}

/* Process in the container's pid namespace; kill(-1) spares itself and init. */
static _Noreturn void inside_main(int hold, int ready)
{
    int r = kill(-1, SIGSTOP) < 0 && errno != ESRCH ? -errno : 0;
    if (write_full(ready, &r, sizeof(r)) == 0 && r == 0)
        wait_for_end(hold);
    kill(-1, SIGCONT);
    _exit(0);
}

/* What goes into the container's namespaces has three descriptors, and its root cannot look at it.
 */
static _Noreturn void outside_main(int init_fd, int target, int hold, int ready)
{
    const int entry = fcntl(target, F_DUPFD, 10), last = fcntl(ready, F_DUPFD, 10),
              middle = fcntl(hold, F_DUPFD, 10);
    const int first = fcntl(init_fd, F_DUPFD, 10);
    int r = 0;
    if (dup2(first, 0) < 0 || dup2(middle, 1) < 0 || dup2(last, 2) < 0 || dup2(entry, 3) < 0)
        _exit(1);
    fd_close_from(4);
    init_fd = 0, hold = 1, ready = 2;
    ignore_signals();
    setsid();
    prctl(PR_SET_DUMPABLE, 0);
    if (setns(3, CLONE_NEWUSER | CLONE_NEWPID) < 0)
        r = -errno;
    close(3);
    if (r == 0)
        r = pidfd_signal(init_fd, SIGSTOP);
    pid_t pid = r == 0 ? fork() : -1;
    if (pid == 0)
        inside_main(hold, ready);
    if (pid < 0) {
        r = r < 0 ? r : -errno;
        write_full(ready, &r, sizeof(r));
    } else {
        close(ready);
        waitpid(pid, NULL, 0);
    }
    pidfd_signal(init_fd, SIGCONT);
    _exit(0);
}

/* A namespace that others share is not ours to stop. */
static bool owns_pid_namespace(const struct proc_id *init)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)init->pid);
    auto_buf text = {0};
    if (file_read_at(AT_FDCWD, path, 1 << 16, &text, NULL) < 0)
        return false;
    const char *line = strstr(buf_str(&text), "\nNSpid:");
    size_t len = line ? strcspn(line + 1, "\n") : 0;
    return len > 2 && line[len] == '1' && strchr(" \t", line[len - 1]);
}

/* Init, and the process through which its namespaces are entered. */
static int hold_both(const struct proc_id *init, int *ret_init, int *ret_target, struct err *err)
{
    pid_t entered;
    auto_close int init_fd = proc_open(init), target = join_target(init, &entered);
    if (init_fd < 0 || target < 0)
        return err_set(err, -ESRCH, "the container does not run");
    if (!owns_pid_namespace(init))
        return err_set(
            err, -EOPNOTSUPP,
            "the container shares its pid namespace with others, so it cannot be paused");
    *ret_init = take_fd(&init_fd);
    *ret_target = take_fd(&target);
    return 0;
}

/* Process in the namespaces: everybody but init. Its exit status is an errno. */
static _Noreturn void signal_inside(int target, int sig)
{
    ignore_signals();
    prctl(PR_SET_DUMPABLE, 0);
    if (setns(target, CLONE_NEWUSER | CLONE_NEWPID) < 0)
        _exit(errno);
    pid_t pid = fork();
    int status = EAGAIN << 8;
    if (pid == 0)
        _exit(kill(-1, sig) < 0 && errno != ESRCH ? errno : 0);
    if (pid > 0)
        proc_wait(pid, &status);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EIO);
}

int freeze_signal(const struct proc_id *init, bool stop, struct err *err)
{
    int sig = stop ? SIGSTOP : SIGCONT, status = 0;
    auto_close int init_fd = -1, target = -1;
    int r = hold_both(init, &init_fd, &target, err);
    if (r < 0)
        return r;
    if (stop) /* first, so that it makes no new ones */
        pidfd_signal(init_fd, sig);
    pid_t pid = fork();
    if (pid == 0)
        signal_inside(target, sig);
    r = pid < 0 ? -errno : proc_wait(pid, &status);
    if (r == 0)
        r = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
    if (!stop || r < 0)
        pidfd_signal(init_fd, SIGCONT);
    return r < 0 ? err_errno(err, r, stop ? "pause the container" : "unpause the container") : 0;
}

int freeze_begin(const struct proc_id *init, struct freeze *ret, struct err *err)
{
    int hold[2], ready[2];
    auto_close int init_fd = -1, target = -1;
    int r = hold_both(init, &init_fd, &target, err);
    if (r < 0)
        return r;
    if (pipe2(hold, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    if (pipe2(ready, O_CLOEXEC) < 0) {
        int code = -errno;
        close(hold[0]);
        close(hold[1]);
        return err_errno(err, code, "pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(hold[1]);
        close(ready[0]);
        outside_main(init_fd, target, hold[0], ready[1]);
    }
    int code = -errno;
    close(hold[0]);
    close(ready[1]);
    struct freeze f = {.fd = hold[1], .pid = pid};
    if (pid < 0)
        r = code;
    else if (read_full(ready[0], &r, sizeof(r)) != sizeof(r))
        r = -ESRCH; /* init ended, and with it who was to tell */
    close(ready[0]);
    if (r < 0) {
        freeze_end(&f);
        return err_errno(err, r, "pause the container");
    }
    *ret = f;
    return 0;
}

void freeze_end(struct freeze *f)
{
    if (f->fd < 0)
        return;
    close_fd(&f->fd);
    int status;
    if (f->pid > 0)
        proc_wait(f->pid, &status);
}
