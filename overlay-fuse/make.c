/* SPDX-License-Identifier: Apache-2.0 */
/* New objects and new names.
 *
 * Theory of operation. Where the upper directory has nothing of the name, a new object is made in
 * place. Where a whiteout stands, or something is replaced, it is made in the work directory and
 * renamed to its place. A directory over a name that a layer has is opaque before it is visible.
 * With a journal everything is made in the work directory: in its place it could show attributes of
 * another object that had its number. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <string.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

int make_inherit(struct overlay *ov, struct node *dir, mode_t umask, struct make *m,
                 struct acl *room)
{
    if (dir->v.mode & S_ISGID) {
        m->gid = dir->v.gid;
        if (S_ISDIR(m->mode))
            m->mode |= S_ISGID;
    }
    if (S_ISLNK(m->mode))
        return 0;
    if (!dir->default_acl) {
        m->mode &= ~(umask & 0777);
        return 0;
    }
    ssize_t n = node_getxattr(ov, dir, ACL_DEFAULT, room->access, sizeof(room->access));
    if (n < 0)
        return (int)n;
    bool minimal;
    memcpy(room->deflt, room->access, (size_t)n);
    room->deflt_len = S_ISDIR(m->mode) ? (size_t)n : 0;
    int r = acl_create(room->access, (size_t)n, &m->mode, &minimal);
    room->access_len = minimal ? 0 : (size_t)n;
    m->acl = room;
    return r;
}

static struct vattr attr_of(const struct make *m)
{
    return (struct vattr){m->mode, m->uid, m->gid, m->rdev};
}

static bool is_typed(const struct overlay *ov, const struct make *m)
{
    struct vattr v = attr_of(m);
    return upper_needs_typed(&v, false, ov->style);
}

static int set_acl(const struct overlay *ov, const struct upath *p, const char *name,
                   const void *list, size_t len)
{
    char room[XATTR_NAME_MAX + 1];
    const char *disk;
    if (!len)
        return 0;
    int r = upper_xattr_name(name, ov->style, room, &disk);
    return r < 0 ? r : upath_setxattr(p, disk, list, len, 0);
}

static int set_acls(const struct overlay *ov, const struct make *m, const struct upath *p)
{
    if (!m->acl)
        return 0;
    int r = set_acl(ov, p, ACL_ACCESS, m->acl->access, m->acl->access_len);
    return r < 0 ? r : set_acl(ov, p, ACL_DEFAULT, m->acl->deflt, m->acl->deflt_len);
}

/* What make_at() made. */
struct made {
    struct stat st;
    int fd; /* of a regular file, open for reading and writing; else -1 */
};

static void made_done(struct made *d)
{
    close_fd(&d->fd);
}
DEFINE_AUTO(made, made_done)

static int fill(const struct make *m, int fd)
{
    if (S_ISLNK(m->mode))
        return write_full(fd, m->target, strlen(m->target));
    return S_ISREG(m->mode) && m->data_fd >= 0 ? copy_fd(m->data_fd, fd, NULL, NULL) : 0;
}

/* Makes the bare object at p. */
static int create(const struct make *m, const struct upath *p, bool typed, mode_t disk,
                  struct made *ret)
{
    if (S_ISDIR(m->mode)) {
        if (mkdirat(p->dirfd, p->rel, disk) < 0)
            return -errno;
    } else if (S_ISLNK(m->mode) && !typed) {
        if (symlinkat(m->target, p->dirfd, p->rel) < 0)
            return -errno;
    } else if (!S_ISREG(m->mode) && !typed) {
        if (mknodat(p->dirfd, p->rel, (m->mode & S_IFMT) | disk, m->rdev) < 0)
            return -errno;
    } else {
        ret->fd = openat(p->dirfd, p->rel, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, disk);
        if (ret->fd < 0)
            return -errno;
        return fstat(ret->fd, &ret->st) < 0 ? -errno : 0;
    }
    return upath_stat(p, &ret->st);
}

static int dress(const struct overlay *ov, const struct make *m, const struct upath *p, bool typed,
                 bool opaque, const struct made *made)
{
    struct vattr v = attr_of(m);
    int r = made->fd >= 0 ? fill(m, made->fd) : 0;
    if (r == 0)
        r = upper_set_new_attr(p, &v, ov->style, typed, &made->st);
    if (r == 0)
        r = set_acls(ov, m, p);
    if (r == 0 && opaque)
        r = upper_set_opaque(p, ov->style);
    if (r == 0 && m->mtime) {
        struct timespec t[2] = {*m->mtime, *m->mtime};
        r = upath_utimens(p, t);
    }
    return r;
}

/* Makes the object at p with all its attributes; nothing is left there on failure. */
static int make_at(const struct overlay *ov, const struct make *m, const struct upath *p,
                   bool opaque, struct made *ret)
{
    struct vattr v = attr_of(m);
    bool typed = is_typed(ov, m);
    int r = create(m, p, typed, typed ? 0600 : upper_disk_mode(&v, ov->style), ret);
    if (r == -EEXIST)
        return r;
    struct upath open;
    const struct upath *at = p;
    if (ret->fd >= 0) {
        upath_fd(&open, ret->fd, false, ov->journal);
        at = &open;
    }
    if (r == 0)
        r = dress(ov, m, at, typed, opaque, ret);
    if (r < 0)
        unlinkat(p->dirfd, p->rel, S_ISDIR(m->mode) ? AT_REMOVEDIR : 0);
    return r;
}

/* What stands in the upper directory under a name that is about to be taken. */
static bool whiteout_there(const struct overlay *ov, const struct child *c)
{
    return c && c->hidden && c->in_upper && !c->by_file;
}

int drop_prefix_whiteout(struct overlay *ov, struct node *dir, const struct child *c,
                         const char *name, size_t len)
{
    if (!c || !c->hidden || !c->in_upper || !c->by_file)
        return 0;
    struct upath p;
    int r = prefix_upath(ov, dir, name, len, &p);
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
                        const struct make *m, bool in_place, struct made *ret)
{
    const struct child *c = dir_find(dir, name, len);
    bool is_dir = S_ISDIR(m->mode), whiteout = whiteout_there(ov, c);
    bool opaque = is_dir && lower_has(ov, dir, name, len);
    struct upath p, tmp;
    int r = child_upath(ov, dir, name, len, &p);
    if (r < 0)
        return r;
    if (in_place && !whiteout && !opaque && !ov->journal) {
        r = make_at(ov, m, &p, false, ret);
    } else {
        tmp_upath(ov, &tmp);
        r = make_at(ov, m, &tmp, opaque, ret);
        if (r < 0)
            return r;
        r = overlay_settle(ov, opaque || is_typed(ov, m));
        if (r == 0)
            r = publish(ov, &tmp, &p, is_dir && whiteout);
        if (r < 0)
            unlinkat(tmp.dirfd, tmp.rel, is_dir ? AT_REMOVEDIR : 0);
    }
    return r < 0 ? r : drop_prefix_whiteout(ov, dir, c, name, len);
}

int check_new_name(const struct overlay *ov, const char *name, size_t len)
{
    if (ov->upper_fd < 0)
        return -EROFS;
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    if (len == 0)
        return -ENOENT;
    /* Only where whiteouts must be told from files by their names. */
    if (overlay_reads_prefix(ov) && strncmp(name, UPPER_WHITEOUT, strlen(UPPER_WHITEOUT)) == 0)
        return -EINVAL;
    return 0;
}

/* The name shows the object that was just made on disk. */
static struct node *show_new(struct overlay *ov, struct node *dir, const char *name, size_t len,
                             const struct make *m, struct made *made)
{
    struct child *c = dir_show(dir, name, len, S_ISDIR(m->mode));
    c->in_upper = true;
    c->in_lower = false;
    struct node *n = node_new(ov);
    n->ino = upper_ino(made->st.st_ino);
    n->in_upper = true;
    n->typed = is_typed(ov, m);
    n->default_acl = S_ISDIR(m->mode) && m->acl && m->acl->deflt_len;
    n->v = attr_of(m);
    node_set_lowers(n, NULL, 0);
    child_attach(ov, c, n);
    if (S_ISREG(m->mode))
        node_give_fd(ov, n, take_fd(&made->fd));
    if (node_is_dir(n))
        dir_begin(n);
    return n;
}

static int prepare(struct overlay *ov, struct node *dir, const char *name, size_t len)
{
    int r = check_new_name(ov, name, len);
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
    auto_done(made) struct made made = {.fd = -1};
    r = node_copy_up(ov, dir, UINT64_MAX);
    if (r == 0)
        r = make_on_disk(ov, dir, name, len, m, true, &made);
    if (r == 0)
        *ret = show_new(ov, dir, name, len, m, &made);
    return r;
}

int node_put(struct overlay *ov, struct node *dir, const char *name, const struct make *m,
             struct node **ret)
{
    auto_node old = {ov, NULL};
    auto_done(made) struct made made = {.fd = -1};
    size_t len = strlen(name);
    int r = prepare(ov, dir, name, len);
    if (r == 0)
        r = node_lookup(ov, dir, name, len, &old.n);
    if (r < 0 && r != -ENOENT)
        return r;
    if (old.n && node_is_dir(old.n))
        return -EISDIR;
    r = node_copy_up(ov, dir, UINT64_MAX);
    if (r == 0 && old.n)
        r = node_pin_last(ov, old.n);
    if (r == 0)
        r = make_on_disk(ov, dir, name, len, m, old.n == NULL, &made);
    if (r < 0)
        return r;
    if (old.n)
        forget_name(ov, dir_find(dir, name, len), true);
    *ret = show_new(ov, dir, name, len, m, &made);
    return 0;
}

int node_make_nameless(struct overlay *ov, const struct make *m, struct node **ret)
{
    auto_done(made) struct made made = {.fd = -1};
    struct vattr v = attr_of(m);
    struct upath p;
    if (ov->upper_fd < 0)
        return -EROFS;
    made.fd =
        openat(ov->tmp_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, upper_disk_mode(&v, ov->style));
    if (made.fd < 0) /* EISDIR: an old kernel, EINVAL: a file system that lacks it */
        return errno == EISDIR || errno == EINVAL ? -EOPNOTSUPP : -errno;
    if (fstat(made.fd, &made.st) < 0)
        return -errno;
    upath_fd(&p, made.fd, false, ov->journal);
    int r = dress(ov, m, &p, false, false, &made);
    if (r < 0)
        return r;
    struct node *n = node_new(ov);
    n->ino = upper_ino(made.st.st_ino);
    n->in_upper = n->unlinked = n->nameless = true;
    n->v = v;
    node_set_lowers(n, NULL, 0);
    n->fd = take_fd(&made.fd);
    *ret = n;
    return 0;
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
    r = overlay_settle(ov, false); /* of one that has had no name yet */
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
    if (n->unlinked && !n->nameless)
        return -ENOENT;
    r = node_copy_up_attr(ov, n);
    if (r == 0)
        r = node_copy_up(ov, dir, UINT64_MAX);
    if (r == 0 && S_ISLNK(n->v.mode) && !n->typed && ov->style == UPPER_VIRTUAL)
        r = node_make_typed(ov, n); /* while all of its names are known */
    if (r == 0)
        r = link_on_disk(ov, n, dir, name, len);
    if (r < 0)
        return r;
    struct child *c = dir_show(dir, name, len, false);
    c->in_upper = true;
    c->in_lower = false;
    child_attach(ov, c, n);
    n->nameless = false;
    node_share(ov, n);
    return 0;
}
