/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing, killing and removing a cgroup.
 *
 * Should: leave no process and no directory. Mustn't: wait without a bound; touch what is above. */
#include "runtime/cgroup.h"

#include "base/file.h"
#include "base/proc.h"
#include "base/when.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define PATIENCE    10000 /* ms for all processes to stand still, or to be gone */
#define DEPTH       64    /* of cgroups that a container may have made in its own */
#define KILL_ROUNDS 100

/* Waits until cgroup.events says so; the kernel wakes who polls it at each change. */
static int await_event(int dir, const char *key, uint64_t value)
{
    auto_close int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return -errno;
    const int64_t end = when_monotonic_ms() + PATIENCE;
    for (uint64_t now;;) {
        char c;
        if (pread(events, &c, 1, 0) < 0) /* what was read is what later changes are counted from */
            return -errno;
        if (cgroup_keyed(dir, "cgroup.events", key, &now) && now == value)
            return 0;
        int64_t left = end - when_monotonic_ms();
        if (left <= 0)
            return -ETIMEDOUT;
        struct pollfd p = {.fd = events, .events = POLLPRI};
        poll(&p, 1, (int)left);
    }
}

static int write_file(int dir, const char *file, const char *value)
{
    auto_close int fd = openat(dir, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : write_full(fd, value, strlen(value));
}

int cgroup_freeze(const struct cgroup *cg, bool stop, struct err *err)
{
    int r = write_file(cg->fd, "cgroup.freeze", stop ? "1" : "0");
    if (r == 0)
        r = await_event(cg->fd, "frozen", stop);
    if (r < 0 && stop)
        write_file(cg->fd, "cgroup.freeze", "0");
    return r < 0 ? err_errno(err, r, "%s the cgroup %s", stop ? "freeze" : "thaw", cg->dir) : 0;
}

/* Of this directory only: what is below is killed when it is removed. */
static void kill_one_by_one(int dir)
{
    for (int i = 0; i < KILL_ROUNDS; i++) {
        auto_buf text = {0};
        auto_strv pids = {0};
        if (file_read_at(dir, "cgroup.procs", 1 << 20, &text, NULL) < 0 || text.len == 0)
            return;
        strv_split(&pids, buf_str(&text), '\n');
        strv_foreach (&pids, pid) {
            pid_t n = (pid_t)atoi(pid);
            if (n > 0)
                kill(n, SIGKILL);
        }
    }
}

void cgroup_kill(int fd)
{
    if (write_file(fd, "cgroup.kill", "1") < 0)
        kill_one_by_one(fd);
    write_file(fd, "cgroup.freeze", "0"); /* before Linux 5.14 the frozen would stay */
}

/* `names`: what list_dir_at() found in a cgroup; a directory in one is a cgroup. */
static void remove_children(int dir, int depth)
{
    auto_strv names = {0};
    if (depth == 0 || list_dir_at(dir, ".", &names, NULL) < 0)
        return;
    strv_foreach (&names, name) {
        struct stat st;
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
            continue;
        auto_close int child = open_dir_at(dir, name, NULL);
        if (child < 0)
            continue;
        cgroup_kill(child);
        await_event(child, "populated", 0);
        remove_children(child, depth - 1);
        unlinkat(dir, name, AT_REMOVEDIR);
    }
}

int cgroup_remove(const char *dir, struct err *err)
{
    auto_done(cgroup) struct cgroup cg = {0};
    if (rmdir(dir) == 0 || errno == ENOENT)
        return 0;
    int r = cgroup_open(dir, &cg, err);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    cgroup_kill(cg.fd);
    await_event(cg.fd, "populated", 0);
    remove_children(cg.fd, DEPTH);
    if (rmdir(dir) < 0 && errno != ENOENT)
        return err_errno(err, -errno, "remove the cgroup %s", dir);
    return 0;
}
