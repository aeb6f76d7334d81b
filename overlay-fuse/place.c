/* SPDX-License-Identifier: Apache-2.0 */
/* Where a node is in the upper directory: paths and cached descriptors.
 *
 * Theory of operation. A path goes from the upper directory to the object. Where that would be
 * longer than the kernel takes, directories on the way are opened and kept among the cached
 * descriptors, and the path begins at the nearest of them.
 *
 * Where the kernel collects writes it sets the time of the change at once and sends it on only if
 * it differs from what it was, while the file on disk takes the time when the data comes. So the
 * time is saved before the data, and given back when the descriptor is closed or synced. */
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <string.h>

#define FAR 2048 /* bytes of a path from an open directory to another */

/* --- the list of cached descriptors ------------------------------------------------------- */

static void lru_remove(struct overlay *ov, struct node *n)
{
    *(n->fd_prev ? &n->fd_prev->fd_next : &ov->fd_first) = n->fd_next;
    *(n->fd_next ? &n->fd_next->fd_prev : &ov->fd_last) = n->fd_prev;
    n->fd_prev = n->fd_next = NULL;
    ov->n_fds--;
}

static void lru_push(struct overlay *ov, struct node *n)
{
    n->fd_next = ov->fd_first;
    *(ov->fd_first ? &ov->fd_first->fd_prev : &ov->fd_last) = n;
    ov->fd_first = n;
    ov->n_fds++;
}

/* It is the last to be closed for the sake of others; one that is pinned never is. */
static void lru_touch(struct overlay *ov, struct node *n)
{
    if (ov->fd_first != n && (n->fd_prev || n->fd_next)) {
        lru_remove(ov, n);
        lru_push(ov, n);
    }
}

/* --- paths -------------------------------------------------------------------------------- */

/* The nearest directory that is open, from `n` itself upwards, and how far it is. */
static struct node *nearest_open(const struct overlay *ov, struct node *n, size_t *ret_far)
{
    *ret_far = 0;
    while (n && n != ov->root && n->fd < 0) {
        *ret_far += n->names ? n->names->len + (size_t)1 : 0;
        n = n->names ? n->names->dir : NULL;
    }
    return n;
}

static int base_fd(const struct overlay *ov, const struct node *n)
{
    return n == ov->root ? ov->upper_fd : n->fd;
}

/* Opens directories on the way to `dir` until one is near enough. */
static int come_near(struct overlay *ov, struct node *dir, struct node **ret_base)
{
    size_t far;
    struct node *base;
    for (size_t opened = 0; (base = nearest_open(ov, dir, &far)) && far > FAR; opened++) {
        struct upath p;
        struct node *n = dir;
        if (opened > ov->max_fds / 4) /* those of another path would be closed */
            return -ENAMETOOLONG;
        for (; far > FAR; n = n->names->dir)
            far -= n->names->len + (size_t)1;
        upath_start(&p, NULL);
        for (const struct node *at = n; at != base; at = at->names->dir)
            upath_prepend(&p, at->names->name, at->names->len);
        upath_done(&p, base_fd(ov, base));
        int fd = openat(p.dirfd, p.rel, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        node_give_fd(ov, n, fd);
    }
    if (!base)
        return -ESTALE;
    lru_touch(ov, base); /* a second path must not close what the first goes from */
    *ret_base = base;
    return 0;
}

static int prepend_dirs(struct overlay *ov, struct node *n, struct upath *p)
{
    struct node *base;
    int near = come_near(ov, n, &base);
    if (near < 0)
        return near;
    while (n != base) {
        const struct child *c = n->names;
        if (!c)
            return -ESTALE;
        int r = upath_prepend(p, c->name, c->len);
        if (r < 0)
            return r;
        n = c->dir;
    }
    upath_done(p, base_fd(ov, base));
    return 0;
}

/* A file with several names may be in the upper directory under some of them only for the moment
 * of its copy-up, so the name must be one that is there. */
static const struct child *upper_name(const struct node *n)
{
    for (const struct child *c = n->names; c; c = c->next_name)
        if (c->in_upper)
            return c;
    return NULL;
}

int node_upath(struct overlay *ov, const struct node *n, struct upath *ret)
{
    upath_start(ret, ov->journal);
    if (n == ov->root)
        return prepend_dirs(ov, ov->root, ret);
    const struct child *c = upper_name(n);
    if (!c && n->fd >= 0) {
        upath_fd(ret, n->fd, !S_ISREG(n->v.mode) && !n->typed && !node_is_dir(n), ov->journal);
        return 0;
    }
    if (!c)
        return -ESTALE;
    int r = upath_prepend(ret, c->name, c->len);
    return r < 0 ? r : prepend_dirs(ov, c->dir, ret);
}

int node_object(struct overlay *ov, const struct node *n, struct upath *ret)
{
    if (n->fd < 0 || !S_ISREG(n->v.mode))
        return node_upath(ov, n, ret);
    upath_fd(ret, n->fd, false, ov->journal);
    return 0;
}

int child_upath(struct overlay *ov, struct node *dir, const char *name, size_t len,
                struct upath *ret)
{
    upath_start(ret, ov->journal);
    int r = upath_prepend(ret, name, len);
    return r < 0 ? r : prepend_dirs(ov, dir, ret);
}

void tmp_upath(struct overlay *ov, struct upath *ret)
{
    char name[32];
    snprintf(name, sizeof(name), "%llx", (unsigned long long)ov->next_tmp++);
    upath_at(ret, ov->tmp_fd, name, ov->journal);
}

/* --- descriptors -------------------------------------------------------------------------- */

int node_save_mtime(const struct overlay *ov, struct node *n, int fd)
{
    struct stat st;
    if (!ov->delayed_writes || n->has_mtime)
        return 0;
    if (fstat(fd, &st) < 0)
        return -errno;
    n->mtime = st.st_mtim;
    n->has_mtime = true;
    return 0;
}

void node_restore_mtime(struct node *n)
{
    struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, n->mtime};
    if (n->has_mtime && !n->unlinked)
        futimens(n->fd, t);
    n->has_mtime = false;
}

/* What the journal has of an object that is gone with its last descriptor. That it cannot be
 * written does no harm: whoever gets the number next tries again. */
static void drop_records(struct overlay *ov, const struct node *n)
{
    struct stat st;
    if (fstat(n->fd, &st) == 0)
        (void)journal_clear(ov->journal, st.st_ino);
}

/* A pinned descriptor is the only way to its object, so it is in no list and stays. */
void node_close_fd(struct overlay *ov, struct node *n)
{
    if (n->fd < 0)
        return;
    if (n->fd_prev || n->fd_next || ov->fd_first == n)
        lru_remove(ov, n);
    node_restore_mtime(n);
    if (ov->journal && n->unlinked)
        drop_records(ov, n);
    close_fd(&n->fd);
}

static int open_errno(const struct upath *p, int how)
{
    int fd = openat(p->dirfd, p->rel, how | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Where owners are real, a mode that keeps its own owner out keeps us out too, unless we are root;
 * the kernel has asked for what the caller may do. */
static int open_kept_out(const struct upath *p)
{
    struct stat st;
    int r = upath_stat(p, &st);
    if (r < 0 || !S_ISREG(st.st_mode))
        return r < 0 ? r : -EACCES;
    mode_t mode = st.st_mode & 07777;
    if (fchmodat(p->dirfd, p->rel, mode | 0600, 0) < 0) /* another's file, which may be read */
        return open_errno(p, O_RDONLY);
    int fd = open_errno(p, O_RDWR);
    if (fchmodat(p->dirfd, p->rel, mode, 0) < 0 && fd >= 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static int open_file(const struct upath *p)
{
    int fd = open_errno(p, O_RDWR);
    return fd == -EACCES ? open_kept_out(p) : fd;
}

int node_fd(struct overlay *ov, struct node *n)
{
    if (!S_ISREG(n->v.mode))
        return -EINVAL;
    if (n->fd >= 0) {
        lru_touch(ov, n);
        return n->fd;
    }
    struct upath p;
    int r = node_upath(ov, n, &p);
    if (r < 0)
        return r;
    while (ov->n_fds >= ov->max_fds)
        node_close_fd(ov, ov->fd_last);
    int fd = open_file(&p);
    if (fd < 0)
        return fd;
    n->fd = fd;
    lru_push(ov, n);
    return fd;
}

void node_give_fd(struct overlay *ov, struct node *n, int fd)
{
    while (ov->n_fds >= ov->max_fds)
        node_close_fd(ov, ov->fd_last);
    n->fd = fd;
    lru_push(ov, n);
}

static int pin(struct overlay *ov, struct node *n)
{
    if (!n->in_upper)
        return 0;
    if (n->fd < 0) {
        struct upath p;
        int r = node_upath(ov, n, &p);
        if (r < 0)
            return r;
        bool file = S_ISREG(n->v.mode) || n->typed;
        int how = node_is_dir(n) ? O_RDONLY | O_DIRECTORY : O_PATH;
        int fd = file ? open_file(&p) : open_errno(&p, how);
        if (fd < 0)
            return fd;
        n->fd = fd;
    } else if (n->fd_prev || n->fd_next || ov->fd_first == n) {
        lru_remove(ov, n);
    }
    return 0;
}

int node_pin_last(struct overlay *ov, struct node *n)
{
    bool used = n->nlookup || ov->journal; /* what is gone is told by its descriptor */
    return used && n->names && !n->names->next_name ? pin(ov, n) : 0;
}
