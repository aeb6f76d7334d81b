/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is left of content work that fails or is killed. */
#include "engine/sweep.h"

#include "base/file.h"
#include "base/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char done = 'd';

static bool is_stores(const struct store *s, int fd)
{
    bool yes = fd == s->root_fd || fd == s->run_fd;
    for (size_t i = 0; i < s->n_lowers; i++)
        yes |= fd == s->lowers[i].fd;
    return yes;
}

static void close_others(const struct store *s, int pipe_fd)
{
    auto_closedir DIR *dir = opendir("/proc/self/fd");
    struct dirent *d;
    while (dir && (d = readdir(dir))) {
        int fd = atoi(d->d_name);
        if (fd > 2 && fd != dirfd(dir) && fd != pipe_fd && !is_stores(s, fd))
            close(fd);
    }
}

/* Our output may be a pipe that somebody reads to its end: it must not stay open here. */
static void leave_caller(const struct store *s, int pipe_fd)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
    setsid();
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        signal(ignored[i], SIG_IGN);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    close_others(s, pipe_fd);
    (void)!chdir("/");
}

static _Noreturn void sweep_main(struct store *s, int pipe_fd)
{
    char word = 0;
    leave_caller(s, pipe_fd);
    proc_title("wherry-image: sweeper");
    if (read_full(pipe_fd, &word, 1) != 1 || word != done)
        store_abandon(s);
    _exit(0);
}

int sweep_begin(struct engine *e, struct sweep *ret, struct err *err)
{
    int ends[2], status = 0;
    store_tidy(&e->store);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        pid_t inner = fork(); /* its end is nobody's business */
        if (inner != 0)
            _exit(inner < 0);
        close(ends[1]);
        sweep_main(&e->store, ends[0]);
    }
    int code = -errno;
    close(ends[0]);
    if (pid < 0 || (proc_wait(pid, &status) == 0 && status != 0)) {
        close(ends[1]);
        return err_errno(err, pid < 0 ? code : -EAGAIN, "fork");
    }
    ret->fd = ends[1];
    return 0;
}

void sweep_end(struct engine *e, struct sweep *s, int r)
{
    if (r < 0)
        store_abandon(&e->store);
    write_full(s->fd, &done, 1);
    close_fd(&s->fd);
}
