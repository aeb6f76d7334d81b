/* SPDX-License-Identifier: Apache-2.0 */
/* Removing names.
 *
 * Theory of operation. A name that a layer has gets a whiteout in the upper directory. Where an
 * upper object stands, the whiteout is made in the work directory and renamed over it, or exchanged
 * with a directory, so at every moment the name shows the object or nothing. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/node.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

/* Unlinks everything in an open directory; whiteouts and files only, as nothing else is in one that
 * shows empty. */
static int empty_dir(int fd)
{
    auto_closedir DIR *h = stream_dir(fd);
    if (!h)
        return -errno;
    const struct dirent *e;
    for (errno = 0; (e = readdir(h)); errno = 0)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            unlinkat(dirfd(h), e->d_name, 0) < 0)
            return -errno;
    return -errno;
}

static int empty_upath(const struct upath *p)
{
    int fd = openat(p->dirfd, p->rel, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : empty_dir(fd);
}

int tmp_remove_dir(struct overlay *ov, const struct upath *p)
{
    if (unlinkat(p->dirfd, p->rel, AT_REMOVEDIR) == 0)
        return 0;
    int r = errno == ENOTEMPTY || errno == EEXIST ? empty_upath(p) : -errno;
    if (r == 0 && unlinkat(p->dirfd, p->rel, AT_REMOVEDIR) < 0)
        r = -errno;
    return r;
}

int purge_whiteouts(struct overlay *ov, struct node *dir)
{
    struct upath p;
    int r = node_upath(ov, dir, &p);
    if (r == 0 && dir->n_lowers)
        r = upper_set_opaque(&p, ov->style);
    if (r == 0)
        r = overlay_settle(ov, true);
    if (r == 0)
        r = empty_upath(&p);
    if (r < 0)
        return r;
    node_set_lowers(dir, NULL, 0);
    if (dir->dir)
        dir_free(take_ptr(dir->dir));
    return 0;
}

int whiteout_upath(struct overlay *ov, struct node *dir, const char *name, size_t len,
                   struct upath *ret)
{
    return ov->prefix_whiteouts ? prefix_upath(ov, dir, name, len, ret)
                                : child_upath(ov, dir, name, len, ret);
}

/* No name is left, not even one that was not looked up yet. */
static bool is_nameless(const struct node *n)
{
    struct stat st;
    if (n->names)
        return false;
    return !n->in_upper || !n->by_ino || n->fd < 0 || fstat(n->fd, &st) < 0 || st.st_nlink == 0;
}

void forget_name(struct overlay *ov, struct child *c, bool whiteout)
{
    struct node *dir = node_ref(c->dir), *n = c->node ? node_ref(c->node) : NULL;
    if (n) {
        if (n->nlink && !n->in_upper)
            n->nlink--;
        child_detach(ov, c);
        n->unlinked = is_nameless(n);
    }
    if (whiteout)
        c->by_file = ov->prefix_whiteouts;
    dir_hide(dir, c, whiteout);
    if (n)
        node_unref(ov, n);
    node_unref(ov, dir);
}

int prefix_upath(struct overlay *ov, struct node *dir, const char *name, size_t len,
                 struct upath *ret)
{
    char full[2 * NAME_MAX];
    int n = snprintf(full, sizeof(full), "%s%.*s", UPPER_WHITEOUT, (int)len, name);
    return n > NAME_MAX ? -ENAMETOOLONG : child_upath(ov, dir, full, (size_t)n, ret);
}

/* Removes the upper object itself; a directory by way of the work directory, as there may be
 * whiteouts in it. */
static int remove_upper(struct overlay *ov, const struct upath *p, bool is_dir)
{
    if (!is_dir)
        return unlinkat(p->dirfd, p->rel, 0) < 0 ? -errno : 0;
    if (unlinkat(p->dirfd, p->rel, AT_REMOVEDIR) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return -errno;
    struct upath tmp;
    tmp_upath(ov, &tmp);
    if (renameat(p->dirfd, p->rel, tmp.dirfd, tmp.rel) < 0)
        return -errno;
    tmp_remove_dir(ov, &tmp); /* what is left there is swept at the next start */
    return 0;
}

/* An upper object stands at p and gives way to a whiteout. */
static int replace_by_whiteout(struct overlay *ov, const struct upath *p, bool is_dir)
{
    struct upath tmp;
    tmp_upath(ov, &tmp);
    int r = upper_make_whiteout(&tmp, false);
    if (r < 0)
        return r;
    if (renameat2(tmp.dirfd, tmp.rel, p->dirfd, p->rel, is_dir ? RENAME_EXCHANGE : 0) < 0) {
        r = -errno;
        unlinkat(tmp.dirfd, tmp.rel, 0);
        return r;
    }
    if (is_dir)
        tmp_remove_dir(ov, &tmp);
    return 0;
}

static int remove_name(struct overlay *ov, struct child *c, bool is_dir, bool whiteout)
{
    struct upath p, w;
    int r = child_upath(ov, c->dir, c->name, c->len, &p);
    if (r < 0)
        return r;
    if (whiteout && c->in_upper && !ov->prefix_whiteouts)
        return replace_by_whiteout(ov, &p, is_dir);
    if (whiteout) {
        r = whiteout_upath(ov, c->dir, c->name, c->len, &w);
        if (r == 0)
            r = upper_make_whiteout(&w, ov->prefix_whiteouts);
    }
    if (r == 0 && c->in_upper)
        r = remove_upper(ov, &p, is_dir);
    return r;
}

static int may_remove(struct overlay *ov, struct node *n, enum remove_what what)
{
    if (!node_is_dir(n))
        return what == REMOVE_DIR ? -ENOTDIR : 0;
    if (what == REMOVE_FILE)
        return -EISDIR;
    int r = dir_load(ov, n);
    return r == 0 && !dir_is_empty(n) ? -ENOTEMPTY : r;
}

int node_remove(struct overlay *ov, struct node *dir, const char *name, enum remove_what what)
{
    auto_node n = {ov, NULL};
    size_t len = strlen(name);
    if (ov->upper_fd < 0)
        return -EROFS;
    int r = node_lookup(ov, dir, name, len, &n.n);
    if (r == 0)
        r = may_remove(ov, n.n, what);
    if (r == 0)
        r = node_copy_up(ov, dir, UINT64_MAX);
    if (r < 0)
        return r;
    struct child *c = dir_find(dir, name, len);
    bool whiteout = lower_has(ov, dir, name, len);
    r = node_pin_last(ov, n.n);
    if (r == 0)
        r = remove_name(ov, c, node_is_dir(n.n), whiteout);
    if (r == 0)
        forget_name(ov, c, whiteout);
    return r;
}
