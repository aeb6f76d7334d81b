/* SPDX-License-Identifier: Apache-2.0 */
/* Where a node is in the upper directory: paths and cached descriptors. */
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <string.h>

static int prepend_dirs(struct overlay *ov, const struct node *n, struct upath *p)
{
    while (n != ov->root) {
        const struct child *c = n->names;
        if (!c)
            return -ESTALE;
        int r = upath_prepend(p, c->name, c->len);
        if (r < 0)
            return r;
        n = c->dir;
    }
    upath_done(p, ov->upper_fd);
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
    upath_start(ret);
    if (n == ov->root)
        return prepend_dirs(ov, n, ret);
    const struct child *c = upper_name(n);
    if (!c && n->fd >= 0) {
        upath_fd(ret, n->fd, !S_ISREG(n->v.mode) && !n->typed && !node_is_dir(n));
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
    upath_fd(ret, n->fd, false);
    return 0;
}

int child_upath(struct overlay *ov, const struct node *dir, const char *name, size_t len,
                struct upath *ret)
{
    upath_start(ret);
    int r = upath_prepend(ret, name, len);
    return r < 0 ? r : prepend_dirs(ov, dir, ret);
}

void tmp_upath(struct overlay *ov, struct upath *ret)
{
    char name[32];
    snprintf(name, sizeof(name), "%llx", (unsigned long long)ov->next_tmp++);
    upath_at(ret, ov->tmp_fd, name);
}

/* --- descriptors -------------------------------------------------------------------------- */

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

/* A pinned descriptor is the only way to its object, so it is in no list and stays. */
void node_close_fd(struct overlay *ov, struct node *n)
{
    if (n->fd < 0)
        return;
    if (n->fd_prev || n->fd_next || ov->fd_first == n)
        lru_remove(ov, n);
    close_fd(&n->fd);
}

int node_fd(struct overlay *ov, struct node *n)
{
    if (!S_ISREG(n->v.mode))
        return -EINVAL;
    if (n->fd >= 0) {
        if (ov->fd_first != n && (n->fd_prev || n->fd_next)) {
            lru_remove(ov, n);
            lru_push(ov, n);
        }
        return n->fd;
    }
    struct upath p;
    int r = node_upath(ov, n, &p);
    if (r < 0)
        return r;
    while (ov->n_fds >= ov->max_fds)
        node_close_fd(ov, ov->fd_last);
    n->fd = openat(p.dirfd, p.rel, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (n->fd < 0)
        return -errno;
    lru_push(ov, n);
    return n->fd;
}

void node_give_fd(struct overlay *ov, struct node *n, int fd)
{
    while (ov->n_fds >= ov->max_fds)
        node_close_fd(ov, ov->fd_last);
    n->fd = fd;
    lru_push(ov, n);
}

int node_pin(struct overlay *ov, struct node *n)
{
    if (!n->in_upper)
        return 0;
    if (n->fd < 0) {
        struct upath p;
        int r = node_upath(ov, n, &p);
        if (r < 0)
            return r;
        int how = S_ISREG(n->v.mode) || n->typed ? O_RDWR
                  : node_is_dir(n)               ? O_RDONLY | O_DIRECTORY
                                                 : O_PATH;
        n->fd = openat(p.dirfd, p.rel, how | O_NOFOLLOW | O_CLOEXEC);
        if (n->fd < 0)
            return -errno;
    } else if (n->fd_prev || n->fd_next || ov->fd_first == n) {
        lru_remove(ov, n);
    }
    return 0;
}
