/* SPDX-License-Identifier: Apache-2.0 */
/* New objects and new names.
 *
 * Theory of operation. Where the upper directory has nothing of the name, a new object is made in
 * place. Where a whiteout stands, or something is replaced, it is made in the work directory and
 * renamed to its place. A directory over a name that a layer has is opaque before it is visible. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <string.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

void make_inherit(const struct node *dir, struct make *m)
{
    if (!(dir->v.mode & S_ISGID))
        return;
    m->gid = dir->v.gid;
    if (S_ISDIR(m->mode))
        m->mode |= S_ISGID;
}

static bool is_typed(const struct make *m)
{
    return !S_ISREG(m->mode) && !S_ISDIR(m->mode) && !(S_ISLNK(m->mode) && !m->uid && !m->gid);
}

static int make_file(const struct make *m, const struct upath *p, mode_t disk)
{
    auto_close int fd = openat(p->dirfd, p->rel, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, disk);
    if (fd < 0)
        return -errno;
    if (S_ISLNK(m->mode))
        return write_full(fd, m->target, strlen(m->target));
    return S_ISREG(m->mode) && m->data_fd >= 0 ? copy_fd(m->data_fd, fd, &(uint64_t){0}, NULL) : 0;
}

/* Makes the object at p with all its attributes; nothing is left there on failure. */
static int make_at(const struct make *m, const struct upath *p, bool opaque)
{
    struct vattr v = {m->mode, m->uid, m->gid, m->rdev};
    bool typed = is_typed(m), dir = S_ISDIR(m->mode);
    int r;
    if (dir)
        r = mkdirat(p->dirfd, p->rel, upper_disk_mode(&v)) < 0 ? -errno : 0;
    else if (S_ISLNK(m->mode) && !typed)
        r = symlinkat(m->target, p->dirfd, p->rel) < 0 ? -errno : 0;
    else
        r = make_file(m, p, typed ? 0600 : upper_disk_mode(&v));
    if (r == -EEXIST)
        return r;
    if (r == 0)
        r = upper_set_attr(p, &v, typed, false);
    if (r == 0 && opaque)
        r = upper_set_opaque(p);
    if (r == 0 && m->mtime) {
        struct timespec t[2] = {*m->mtime, *m->mtime};
        if (utimensat(p->dirfd, p->rel, t, AT_SYMLINK_NOFOLLOW) < 0)
            r = -errno;
    }
    if (r < 0)
        unlinkat(p->dirfd, p->rel, dir ? AT_REMOVEDIR : 0);
    return r;
}

/* What stands in the upper directory under a name that is about to be taken. */
static bool whiteout_there(const struct overlay *ov, const struct child *c)
{
    return c && c->hidden && c->in_upper && !ov->prefix_whiteouts;
}

static int drop_prefix_whiteout(struct overlay *ov, struct node *dir, const struct child *c,
                                const char *name, size_t len)
{
    if (!ov->prefix_whiteouts || !c || !c->hidden || !c->in_upper)
        return 0;
    char full[2 * NAME_MAX];
    struct upath p;
    int n = snprintf(full, sizeof(full), "%s%.*s", UPPER_WHITEOUT, (int)len, name);
    int r = child_upath(ov, dir, full, (size_t)n, &p);
    if (r == 0 && unlinkat(p.dirfd, p.rel, 0) < 0)
        r = -errno;
    return r;
}

/* Moves what was made in the work directory to its place. */
static int publish(struct overlay *ov, const struct upath *tmp, const struct upath *to,
                   bool exchange)
{
    if (renameat2(tmp->dirfd, tmp->rel, to->dirfd, to->rel, exchange ? RENAME_EXCHANGE : 0) < 0)
        return -errno;
    if (exchange)
        unlinkat(tmp->dirfd, tmp->rel, 0); /* the whiteout that stood there */
    return 0;
}

static int make_on_disk(struct overlay *ov, struct node *dir, const char *name, size_t len,
                        const struct make *m, bool in_place)
{
    const struct child *c = dir_find(dir, name, len);
    bool is_dir = S_ISDIR(m->mode), whiteout = whiteout_there(ov, c);
    bool opaque = is_dir && lower_has(ov, dir, name, len);
    struct upath p, tmp;
    int r = child_upath(ov, dir, name, len, &p);
    if (r < 0)
        return r;
    if (in_place && !whiteout && !opaque) {
        r = make_at(m, &p, false);
    } else {
        tmp_upath(ov, &tmp);
        r = make_at(m, &tmp, opaque);
        if (r < 0)
            return r;
        r = publish(ov, &tmp, &p, is_dir && whiteout);
        if (r < 0)
            unlinkat(tmp.dirfd, tmp.rel, is_dir ? AT_REMOVEDIR : 0);
    }
    return r < 0 ? r : drop_prefix_whiteout(ov, dir, c, name, len);
}

static int check_name(const struct overlay *ov, const char *name, size_t len)
{
    if (ov->upper_fd < 0)
        return -EROFS;
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    if (len == 0)
        return -ENOENT;
    /* Only where whiteouts must be told from files by their names. */
    if (ov->prefix_whiteouts && strncmp(name, UPPER_WHITEOUT, strlen(UPPER_WHITEOUT)) == 0)
        return -EINVAL;
    return 0;
}

/* The name shows the object that was just made on disk. */
static int show_new(struct overlay *ov, struct node *dir, const char *name, size_t len,
                    const struct make *m, struct node **ret)
{
    struct upath p;
    struct stat st;
    int r = child_upath(ov, dir, name, len, &p);
    if (r == 0)
        r = upath_stat(&p, &st);
    if (r < 0)
        return r;
    struct child *c = dir_show(dir, name, len);
    c->in_upper = true;
    c->in_lower = false;
    struct node *n = node_new(ov);
    n->ino = upper_ino(st.st_ino);
    n->in_upper = true;
    n->typed = is_typed(m);
    n->v = (struct vattr){m->mode, m->uid, m->gid, m->rdev};
    node_set_lowers(n, NULL, 0);
    child_attach(ov, c, n);
    *ret = n;
    return 0;
}

static int prepare(struct overlay *ov, struct node *dir, const char *name, size_t len)
{
    int r = check_name(ov, name, len);
    if (r == 0 && dir->unlinked)
        r = -ENOENT;
    if (r == 0)
        r = dir_load(ov, dir);
    return r;
}

int node_make(struct overlay *ov, struct node *dir, const char *name, const struct make *m,
              struct node **ret)
{
    size_t len = strlen(name);
    int r = prepare(ov, dir, name, len);
    if (r < 0)
        return r;
    const struct child *c = dir_find(dir, name, len);
    if (c && !c->hidden)
        return -EEXIST;
    r = node_copy_up(ov, dir, UINT64_MAX);
    if (r == 0)
        r = make_on_disk(ov, dir, name, len, m, m->data_fd < 0);
    return r < 0 ? r : show_new(ov, dir, name, len, m, ret);
}

int node_put(struct overlay *ov, struct node *dir, const char *name, const struct make *m,
             struct node **ret)
{
    auto_node old = {ov, NULL};
    size_t len = strlen(name);
    int r = prepare(ov, dir, name, len);
    if (r == 0)
        r = node_lookup(ov, dir, name, len, &old.n);
    if (r < 0 && r != -ENOENT)
        return r;
    if (old.n && node_is_dir(old.n))
        return -EISDIR;
    r = node_copy_up(ov, dir, UINT64_MAX);
    if (r == 0 && old.n && old.n->nlookup && !old.n->names->next_name)
        r = node_pin(ov, old.n);
    if (r == 0)
        r = make_on_disk(ov, dir, name, len, m, false);
    if (r < 0)
        return r;
    if (old.n)
        forget_name(ov, dir_find(dir, name, len), true);
    return show_new(ov, dir, name, len, m, ret);
}

static int link_on_disk(struct overlay *ov, struct node *n, struct node *dir, const char *name,
                        size_t len)
{
    const struct child *c = dir_find(dir, name, len);
    struct upath from, to, tmp;
    int r = node_upath(ov, n, &from);
    if (r == 0)
        r = child_upath(ov, dir, name, len, &to);
    if (r < 0)
        return r;
    bool whiteout = whiteout_there(ov, c);
    tmp_upath(ov, &tmp);
    const struct upath *first = whiteout ? &tmp : &to;
    int flags = from.follow ? AT_SYMLINK_FOLLOW : 0;
    if (linkat(from.dirfd, from.rel, first->dirfd, first->rel, flags) < 0)
        return -errno;
    if (whiteout) {
        r = publish(ov, &tmp, &to, false);
        if (r < 0)
            unlinkat(tmp.dirfd, tmp.rel, 0);
    }
    return r < 0 ? r : drop_prefix_whiteout(ov, dir, c, name, len);
}

int node_link(struct overlay *ov, struct node *n, struct node *dir, const char *name)
{
    size_t len = strlen(name);
    int r = prepare(ov, dir, name, len);
    if (r < 0)
        return r;
    const struct child *old = dir_find(dir, name, len);
    if (old && !old->hidden)
        return -EEXIST;
    if (node_is_dir(n))
        return -EPERM;
    if (n->unlinked)
        return -ENOENT;
    r = node_copy_up(ov, n, UINT64_MAX);
    if (r == 0)
        r = node_copy_up(ov, dir, UINT64_MAX);
    if (r == 0)
        r = link_on_disk(ov, n, dir, name, len);
    if (r < 0)
        return r;
    struct child *c = dir_show(dir, name, len);
    c->in_upper = true;
    c->in_lower = false;
    child_attach(ov, c, n);
    node_share(ov, n);
    return 0;
}
