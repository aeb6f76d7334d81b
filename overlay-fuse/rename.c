/* SPDX-License-Identifier: Apache-2.0 */
/* Renaming.
 *
 * Theory of operation. What is moved is in the upper directory before, a directory with everything
 * below it, so that a move is one rename there and EXDEV is never the answer. A name that a layer
 * has and that is moved away gets its whiteout in the same step (RENAME_WHITEOUT, or
 * RENAME_EXCHANGE with a whiteout that stands at the target). A directory that lands on a name of a
 * layer is opaque before it moves. */
#include "overlay-fuse/node.h"

#include <stdio.h>
#include <string.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE  (1 << 1)
#define RENAME_WHITEOUT  (1 << 2)
#endif

struct end {
    struct node *dir;
    const char *name;
    size_t len;
    struct node *n; /* what has the name; NULL: nothing */
};

static int check(struct overlay *ov, const struct end *from, const struct end *to, unsigned flags)
{
    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    if (flags & RENAME_EXCHANGE)
        return to->n ? 0 : -ENOENT;
    if (!to->n)
        return 0;
    if (flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (to->n == from->n)
        return 0;
    if (node_is_dir(to->n) != node_is_dir(from->n))
        return node_is_dir(to->n) ? -EISDIR : -ENOTDIR;
    if (!node_is_dir(to->n))
        return 0;
    int r = dir_load(ov, to->n);
    return r == 0 && !dir_is_empty(to->n) ? -ENOTEMPTY : r;
}

/* The object is above, as a whole if it is a directory, and hides what `at` has below it. */
static int make_movable(struct overlay *ov, struct node *n, const struct end *at)
{
    struct upath p;
    if (!node_is_dir(n))
        return node_copy_up_attr(ov, n);
    int r = node_make_pure(ov, n);
    if (r < 0 || !lower_has(ov, at->dir, at->name, at->len))
        return r;
    r = node_upath(ov, n, &p);
    if (r == 0)
        r = upper_set_opaque(&p, ov->style);
    return r < 0 ? r : overlay_settle(ov, true);
}

/* After the move the name `from` must not show what a layer has there. A ".wh." file means nothing
 * as long as the object stands beside it, so it is made before. */
static int make_whiteout(struct overlay *ov, const struct end *from)
{
    struct upath p;
    int r = whiteout_upath(ov, from->dir, from->name, from->len, &p);
    return r < 0 ? r : upper_make_whiteout(&p, ov->prefix_whiteouts);
}

static int move_on_disk(struct overlay *ov, const struct end *from, const struct end *to,
                        bool whiteout)
{
    struct upath p, q;
    const struct child *c = dir_find(to->dir, to->name, to->len);
    bool standing = c && c->hidden && c->in_upper && !c->by_file;
    int r = child_upath(ov, from->dir, from->name, from->len, &p);
    if (r == 0)
        r = child_upath(ov, to->dir, to->name, to->len, &q);
    bool at_once = whiteout && !ov->prefix_whiteouts;
    if (r == 0 && whiteout && !at_once)
        r = make_whiteout(ov, from);
    if (r < 0)
        return r;
    if (node_is_dir(from->n) && standing) { /* a directory cannot replace a whiteout */
        if (renameat2(p.dirfd, p.rel, q.dirfd, q.rel, RENAME_EXCHANGE) < 0)
            return -errno;
        return at_once || unlinkat(p.dirfd, p.rel, 0) == 0 ? 0 : -errno;
    }
    if (renameat2(p.dirfd, p.rel, q.dirfd, q.rel, at_once ? RENAME_WHITEOUT : 0) < 0) {
        if (!at_once || errno != EINVAL)
            return -errno;
        /* a file system that cannot do both in one step */
        if (renameat(p.dirfd, p.rel, q.dirfd, q.rel) < 0)
            return -errno;
        r = make_whiteout(ov, from);
    }
    return r < 0 ? r : drop_prefix_whiteout(ov, to->dir, c, to->name, to->len);
}

/* A directory that is about to be replaced is empty on disk too. */
static int clear_target(struct overlay *ov, const struct end *to)
{
    if (!to->n)
        return 0;
    if (node_is_dir(to->n) && to->n->in_upper) {
        int r = purge_whiteouts(ov, to->n);
        if (r < 0)
            return r;
    }
    return node_pin_last(ov, to->n);
}

static int replace(struct overlay *ov, struct end *from, struct end *to)
{
    bool whiteout = lower_has(ov, from->dir, from->name, from->len);
    int r = make_movable(ov, from->n, to);
    if (r == 0)
        r = clear_target(ov, to);
    if (r == 0)
        r = move_on_disk(ov, from, to, whiteout);
    if (r < 0)
        return r;
    if (to->n)
        forget_name(ov, dir_find(to->dir, to->name, to->len), true);
    forget_name(ov, dir_find(from->dir, from->name, from->len), whiteout);
    struct child *c = dir_show(to->dir, to->name, to->len, node_is_dir(from->n));
    c->in_upper = true;
    c->in_lower = false;
    child_attach(ov, c, from->n);
    return 0;
}

/* The name shows another object. */
static void show_instead(struct overlay *ov, const struct end *at, struct node *n)
{
    struct child *c = dir_find(at->dir, at->name, at->len);
    if (c->node)
        child_detach(ov, c);
    at->dir->dir->n_subdirs += node_is_dir(n);
    at->dir->dir->n_subdirs -= c->is_dir;
    c->is_dir = node_is_dir(n);
    c->in_upper = true;
    c->in_lower = false;
    child_attach(ov, c, n);
}

static int exchange(struct overlay *ov, const struct end *from, const struct end *to)
{
    struct upath p, q;
    int r = make_movable(ov, from->n, to);
    if (r == 0)
        r = make_movable(ov, to->n, from);
    if (r == 0)
        r = child_upath(ov, from->dir, from->name, from->len, &p);
    if (r == 0)
        r = child_upath(ov, to->dir, to->name, to->len, &q);
    if (r == 0 && renameat2(p.dirfd, p.rel, q.dirfd, q.rel, RENAME_EXCHANGE) < 0)
        r = -errno;
    if (r < 0)
        return r;
    show_instead(ov, from, to->n);
    show_instead(ov, to, from->n);
    return 0;
}

int node_rename(struct overlay *ov, struct node *from, const char *old, struct node *to,
                const char *new, unsigned flags)
{
    auto_node n = {ov, NULL}, t = {ov, NULL};
    struct end a = {from, old, strlen(old), NULL}, b = {to, new, strlen(new), NULL};
    int r = check_new_name(ov, new, b.len);
    if (r == 0)
        r = node_lookup(ov, from, old, a.len, &n.n);
    if (r < 0)
        return r;
    r = node_lookup(ov, to, new, b.len, &t.n);
    if (r < 0 && r != -ENOENT)
        return r;
    a.n = n.n;
    b.n = t.n;
    r = check(ov, &a, &b, flags);
    if (r < 0 || n.n == t.n)
        return r;
    r = node_copy_up(ov, from, UINT64_MAX);
    if (r == 0)
        r = node_copy_up(ov, to, UINT64_MAX);
    if (r < 0)
        return r;
    return flags & RENAME_EXCHANGE ? exchange(ov, &a, &b) : replace(ov, &a, &b);
}
