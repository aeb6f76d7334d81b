/* SPDX-License-Identifier: Apache-2.0 */
/* Locks that do not wait for ever: of the index, and of a container's life cycle. flock(2) knows no
 * time limit, so we ask again and again; /proc/locks tells who holds it when that was in vain. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS      15000
#define WAIT_STEP_MS 50

/* The pid of a holder of a flock on this file: "1: FLOCK  ADVISORY  WRITE 123 fe:00:4711 0 EOF". 0:
 * not found (another machine's, or another pid namespace's). */
static int holder_of(int fd)
{
    auto_fclose FILE *f = fopen("/proc/locks", "re");
    auto_free char *line = NULL;
    size_t size = 0;
    struct stat st;
    if (!f || fstat(fd, &st) < 0)
        return 0;
    while (getline(&line, &size, f) > 0) {
        unsigned long long ino;
        int pid;
        if (sscanf(line, "%*s FLOCK %*s %*s %d %*x:%*x:%llu", &pid, &ino) == 2 && pid > 0 &&
            ino == st.st_ino)
            return pid;
    }
    return 0;
}

/* "process 123 (wherry)" as far as it is known. */
static void describe_holder(int fd, char *out, size_t size)
{
    char path[64];
    int pid = holder_of(fd);
    auto_buf comm = {0};
    snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    if (pid > 0 && file_read_at(AT_FDCWD, path, 64, &comm, NULL) == 0)
        snprintf(out, size, "process %d (%.*s)", pid, (int)strcspn(buf_str(&comm), "\n"),
                 buf_str(&comm));
    else
        snprintf(out, size, "another process");
}

int store_lock_patiently(int fd, bool exclusive, const char *what, struct err *err)
{
    for (int waited = 0, step = 1;;
         waited += step, step = step * 2 < WAIT_STEP_MS ? step * 2 : WAIT_STEP_MS) {
        int r = lock_fd(fd, exclusive, false, err);
        if (r != -EWOULDBLOCK)
            return r;
        if (waited >= WAIT_MS)
            break;
        nanosleep(&(struct timespec){.tv_nsec = step * 1000000L}, NULL);
    }
    char holder[96];
    describe_holder(fd, holder, sizeof(holder));
    return err_kind(err, ERR_IN_USE, -ETIMEDOUT, "%s is locked by %s for more than %d seconds",
                    what, holder, WAIT_MS / 1000);
}

/* Whether our descriptor is still the container's directory, not one on its way to removal. */
static bool still_there(const struct store_container *c)
{
    struct stat held, named;
    return fstat(c->fd, &held) == 0 && stat(c->path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

void store_container_let_go(struct store_container *c)
{
    if (c->lock > 0)
        close(c->lock);
    c->lock = 0;
}

int store_container_lock(struct store_container *c, struct err *err)
{
    if (c->lock > 0) {
        int held = c->lock;
        c->lock = 0;
        return held;
    }
    auto_free char *what = xasprintf("container %s", c->name);
    auto_close int fd = openat(c->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : store_lock_patiently(fd, true, what, err);
    if (fd < 0 && r != -ENOENT)
        return err_errno(err, r, "lock container %s", c->name);
    if (r < 0 && r != -ENOENT)
        return r;
    if (r == -ENOENT || !still_there(c))
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "container %s was removed", c->name);
    return take_fd(&fd);
}
