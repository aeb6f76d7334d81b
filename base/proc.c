/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: identity, waiting, starting helpers. */
#include "base/proc.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

static int boot_id(char out[static BOOT_ID_LEN + 1])
{
    auto_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read_full(fd, out, BOOT_ID_LEN);
    if (n != BOOT_ID_LEN)
        return n < 0 ? (int)n : -EIO;
    out[BOOT_ID_LEN] = 0;
    return 0;
}

/* Start time and state letter of a process. */
static int stat_read(pid_t pid, uint64_t *ret_start, char *ret_state)
{
    char path[40], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -ESRCH;
    ssize_t n = read_full(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -ESRCH;
    text[n] = 0;
    /* The command name may hold anything, so count fields from its closing bracket: state is 3. */
    char *p = strrchr(text, ')');
    if (!p || p[1] != ' ')
        return -EIO;
    *ret_state = p[2];
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (!p)
            return -EIO;
        p++;
    }
    *ret_start = strtoull(p, NULL, 10);
    return 0;
}

int proc_identify(pid_t pid, struct proc_id *ret, struct err *err)
{
    struct proc_id id = {.pid = pid};
    char state;
    int r = stat_read(pid, &id.start_time, &state);
    if (r == 0)
        r = boot_id(id.boot_id);
    if (r < 0)
        return err_errno(err, r, "process %d", (int)pid);
    *ret = id;
    return 0;
}

int pidfd_open_pid(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

int pidfd_signal(int pidfd, int sig)
{
    return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int proc_open(const struct proc_id *id)
{
    char boot[BOOT_ID_LEN + 1];
    if (id->pid <= 0 || boot_id(boot) < 0 || strcmp(boot, id->boot_id) != 0)
        return -ESRCH;
    auto_close int fd = pidfd_open_pid(id->pid);
    if (fd < 0)
        return fd;
    uint64_t start;
    char state;
    /* Compared after the pidfd is open: from here on the number cannot change its owner. */
    if (stat_read(id->pid, &start, &state) < 0 || start != id->start_time || state == 'Z' ||
        state == 'X')
        return -ESRCH;
    return take_fd(&fd);
}

bool proc_alive(const struct proc_id *id)
{
    auto_close int fd = proc_open(id);
    return fd >= 0;
}

int proc_signal(const struct proc_id *id, int sig)
{
    auto_close int fd = proc_open(id);
    return fd < 0 ? fd : pidfd_signal(fd, sig);
}

pid_t proc_clone(unsigned long flags)
{
#if defined(__s390__) || defined(__CRIS__)
    return (pid_t)syscall(SYS_clone, 0, flags, 0, 0, 0);
#else
    return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
#endif
}

pid_t proc_clone_into(unsigned long flags, int cgroup)
{
    struct clone_args args = {.flags = (flags & ~(unsigned long)CSIGNAL) | CLONE_INTO_CGROUP,
                              .exit_signal = flags & CSIGNAL,
                              .cgroup = (uint64_t)cgroup};
    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

int proc_wait(pid_t pid, int *ret_status)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    *ret_status = status;
    return 0;
}

int proc_exit_code(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int fd_move_up(int fd, int min)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, min);
    if (moved < 0)
        return -errno;
    close(fd);
    return moved;
}

void fd_close_from(int first)
{
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return;
    int max = (int)sysconf(_SC_OPEN_MAX);
    for (int fd = first; fd < max && fd < 4096; fd++)
        close(fd);
}

/* Everything between fork and exec of proc_spawn's child.
 *
 * Should: leave the program with its three standard descriptors, those in `keep`, default signals.
 * Mustn't: allocate (the parent may have threads), or return. */
static _Noreturn void spawn_child(const struct spawn *sp, int report, pid_t parent)
{
    int std[3] = {sp->stdin_fd, sp->stdout_fd, sp->stderr_fd};
    if (sp->new_session)
        setsid();
    if (sp->die_with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
    }
    for (int i = 0; i < 3; i++) /* above the range that dup2 writes to */
        if (std[i] >= 0 && std[i] < 3 && (std[i] = fcntl(std[i], F_DUPFD_CLOEXEC, 3)) < 0)
            goto fail;
    for (int i = 0; i < 3; i++)
        if (std[i] >= 0 && dup2(std[i], i) < 0)
            goto fail;
    syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (size_t i = 0; i < sp->n_keep; i++)
        if (fcntl(sp->keep[i], F_SETFD, 0) < 0)
            goto fail;
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvpe(sp->path, sp->argv, sp->envp ? sp->envp : environ);
fail:;
    int code = errno;
    write_full(report, &code, sizeof(code));
    _exit(127);
}

pid_t proc_spawn(const struct spawn *sp, struct err *err)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    auto_close int from = p[0];
    auto_close int report = fd_move_up(p[1], 64);
    if (report < 0) {
        close(p[1]);
        return err_errno(err, report, "pipe");
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return err_errno(err, -errno, "fork");
    if (pid == 0)
        spawn_child(sp, report, parent);
    close_fd(&report);
    int code = 0, status;
    if (read_full(from, &code, sizeof(code)) == (ssize_t)sizeof(code)) {
        proc_wait(pid, &status);
        return err_errno(err, -code, "%s", sp->path);
    }
    return pid;
}

int proc_run(char *const *argv, struct err *err)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    auto_close int from = p[0], to = p[1];
    struct spawn sp = {
        .path = argv[0], .argv = argv, .stdin_fd = -1, .stdout_fd = to, .stderr_fd = to};
    pid_t pid = proc_spawn(&sp, err);
    if (pid < 0)
        return pid;
    close_fd(&to);
    char said[4097];
    ssize_t n = read_full(from, said, sizeof(said) - 1);
    said[n < 0 ? 0 : n] = 0;
    close_fd(&from);
    int status, r = proc_wait(pid, &status);
    if (r < 0)
        return err_errno(err, r, "wait for %s", argv[0]);
    said[strcspn(said, "\n")] = 0;
    if (status != 0)
        return err_set(err, -EIO, "%s failed with status %d%s%s", argv[0], proc_exit_code(status),
                       *said ? ": " : "", said);
    return 0;
}

int program_find(const char *name, char **ret, struct err *err)
{
    auto_free char *self = NULL;
    int r = read_link_at(AT_FDCWD, "/proc/self/exe", &self, err);
    if (r < 0)
        return r;
    *strrchr(self, '/') = 0;
    /* Installed: bin/wherry, libexec/wherry/NAME. Build tree: cmd/wherry, FOLDER/NAME. */
    const char *folder = strcmp(name, "wherry-netns") == 0   ? "netns"
                         : strcmp(name, "overlay-fuse") == 0 ? "overlay-fuse"
                                                             : "cmd";
    char *places[] = {xasprintf("%s/%s", self, name),
                      xasprintf("%s/../libexec/wherry/%s", self, name),
                      xasprintf("%s/../%s/%s", self, folder, name)};
    char *found = NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (!found && access(places[i], X_OK) == 0)
            found = path_clean(places[i]);
        free(places[i]);
    }
    if (found) {
        *ret = found;
        return 0;
    }
    return err_set(err, -ENOENT, "the program %s is missing beside %s: reinstall wherry", name,
                   self);
}

/* The memory of argv, which PR_SET_MM is not needed for. Set once by main(). */
static char *title_start;
static size_t title_room;

void proc_title_init(int argc, char **argv)
{
    if (argc < 1)
        return;
    char *end = argv[argc - 1] + strlen(argv[argc - 1]);
    for (char **e = environ; *e; e++) /* the environment follows argv: take its room, keep a copy */
        if (*e == end + 1)
            end = *e + strlen(*e);
    for (char **e = environ; *e; e++)
        *e = xstrdup(*e);
    title_start = argv[0];
    title_room = (size_t)(end - argv[0]);
}

void proc_title(const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    prctl(PR_SET_NAME, text);
    if (!title_start)
        return;
    memset(title_start, 0, title_room);
    snprintf(title_start, title_room, "%s", text);
}
