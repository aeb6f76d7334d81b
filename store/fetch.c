/* SPDX-License-Identifier: Apache-2.0 */
/* One at a time fetches a layer.
 *
 * Theory of operation. tmp/fetch-<hex> is a staging directory whose name is not random: whoever
 * holds its lock fetches that layer, others wait for the lock. It is made and looked at under the
 * shared index lock, as all of tmp/ (staging.c). The holder removes it and then lets go, so one who
 * waited holds the lock of a file that is gone: it begins again, and will find the layer there
 * unless the other one failed. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Opens the lock file; it is locked when nobody else has it: *ret_busy tells. Returns the fd;
 * -ENOENT: once more. */
static int try_lock(struct store *s, const char *name, bool *ret_busy, struct err *err)
{
    auto_free char *dir = xasprintf(TMP_DIR "/%s", name), *path = xasprintf("%s/lock", dir);
    auto_close int index_lock = store_index_lock(s, false, err);
    if (index_lock < 0)
        return index_lock;
    int r = store_mkdir(s->root_fd, dir, err);
    if (r < 0)
        return r;
    auto_close int fd = openat(s->root_fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == ENOENT)
        return -ENOENT; /* its last holder is just removing it */
    if (fd < 0)
        return err_errno(err, -errno, "create %s", path);
    r = lock_fd(fd, true, false, err);
    *ret_busy = r == -EWOULDBLOCK;
    return r < 0 && r != -EWOULDBLOCK ? r : take_fd(&fd);
}

/* Whether `fd` is still the file of that name. */
static bool is_current(struct store *s, const char *name, int fd)
{
    auto_free char *path = xasprintf(TMP_DIR "/%s/lock", name);
    struct stat here, there;
    return fstat(fd, &here) == 0 && fstatat(s->root_fd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

int store_fetch_begin(struct store *s, const char *diff_id, void (*waiting)(void *arg), void *arg,
                      struct store_fetch *ret, struct err *err)
{
    if (!digest_valid(diff_id))
        return err_set(err, -EINVAL, "\"%.80s\" is not a sha256 digest", diff_id);
    auto_free char *name = xasprintf("fetch-%s", digest_hex(diff_id));
    for (;;) {
        bool busy = false;
        auto_close int fd = try_lock(s, name, &busy, err);
        if (fd == -ENOENT)
            continue;
        if (fd < 0)
            return fd;
        if (busy) {
            if (waiting)
                waiting(arg);
            waiting = NULL;
            int r = lock_fd(fd, true, true, err);
            if (r < 0)
                return r;
        }
        if (is_current(s, name, fd)) {
            *ret = (struct store_fetch){.store = s, .name = take_ptr(name), .lock = take_fd(&fd)};
            return 0;
        }
    }
}

void store_fetch_done(struct store_fetch *f)
{
    struct staging st = {.store = f->store, .name = f->name, .fd = -1, .lock = f->lock};
    store_staging_done(&st);
    *f = (struct store_fetch){.lock = -1};
}
