/* SPDX-License-Identifier: Apache-2.0 */
/* The lock of a container's life cycle. flock(2) knows no time limit, and who holds a lock is
 * nobody's to ask: so we ask again and again, and the holder writes its pid into the file. */
#include "store/store.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS      10000
#define WAIT_STEP_MS 50

/* "process 123 (wherry)" as far as it is known. */
static void describe_holder(int fd, char *out, size_t size)
{
    char text[32] = "", path[64];
    ssize_t n = pread_full(fd, text, sizeof(text) - 1, 0);
    text[n < 0 ? 0 : n] = 0;
    long pid = strtol(text, NULL, 10);
    auto_buf comm = {0};
    snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    if (pid > 0 && file_read_at(AT_FDCWD, path, 64, &comm, NULL) == 0)
        snprintf(out, size, "process %ld (%.*s)", pid, (int)strcspn(buf_str(&comm), "\n"),
                 buf_str(&comm));
    else
        snprintf(out, size, "another process");
}

static int wait_for(int fd, const struct store_container *c, struct err *err)
{
    for (int waited = 0, step = 1;;
         waited += step, step = step * 2 < WAIT_STEP_MS ? step * 2 : WAIT_STEP_MS) {
        int r = lock_fd(fd, true, false, err);
        if (r != -EWOULDBLOCK)
            return r;
        if (waited >= WAIT_MS)
            break;
        nanosleep(&(struct timespec){.tv_nsec = step * 1000000L}, NULL);
    }
    char holder[96];
    describe_holder(fd, holder, sizeof(holder));
    return err_kind(err, ERR_IN_USE, -ETIMEDOUT,
                    "container %s is locked by %s for more than %d seconds", c->name, holder,
                    WAIT_MS / 1000);
}

/* Whether our descriptor is still the container's directory, not one on its way to removal. */
static bool still_there(const struct store_container *c)
{
    struct stat held, named;
    return fstat(c->fd, &held) == 0 && stat(c->path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

int store_container_lock(struct store_container *c, struct err *err)
{
    auto_close int fd = openat(c->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : wait_for(fd, c, err);
    if (fd < 0 && r != -ENOENT)
        return err_errno(err, r, "lock container %s", c->name);
    if (r < 0 && r != -ENOENT)
        return r;
    if (r == -ENOENT || !still_there(c))
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "container %s was removed", c->name);
    char pid[24];
    int n = snprintf(pid, sizeof(pid), "%-10d\n", (int)getpid());
    if (pwrite(fd, pid, (size_t)n, 0) < 0 && errno != ENOSPC && errno != EDQUOT)
        return err_errno(err, -errno, "lock container %s", c->name);
    return take_fd(&fd);
}
