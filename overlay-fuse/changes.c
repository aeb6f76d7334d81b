/* SPDX-License-Identifier: Apache-2.0 */
/* What an upper directory changes.
 *
 * Theory of operation. Only the upper directory is walked, by paths below its descriptor, so the
 * depth costs no descriptors; the layers are asked about each name. Names come sorted, so that the
 * same content makes the same layer. The names of a file that has several are told by device and
 * inode number. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/strv.h"
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <string.h>

struct seen {
    struct idmap by_ino; /* disk inode number → path of the first name */
    char **paths;
    size_t n, cap;
};

static void seen_done(struct seen *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->paths[i]);
    free(s->paths);
    idmap_done(&s->by_ino);
}
DEFINE_AUTO(seen, seen_done)

struct scan {
    struct overlay *ov; /* layers and the upper directory's descriptor */
    int (*fn)(void *arg, const struct overlay_change *c, struct err *err);
    void *arg;
    struct err *err;
    struct seen seen;
    struct buf path; /* of the name at hand */
};

static void scan_done(struct scan *s)
{
    seen_done(&s->seen);
    buf_done(&s->path);
    if (s->ov)
        overlay_close(s->ov);
}
DEFINE_AUTO(scan, scan_done)

/* A directory on the way: what the layers have in its place. */
struct place {
    struct lower_ref *lowers;
    size_t n_lowers;
};

static int failed(struct scan *s, int code)
{
    return err_errno(s->err, code, "read %.400s of the writable layer",
                     s->path.len ? s->path.data : "the root");
}

/* --- attributes --------------------------------------------------------------------------- */

struct attrs {
    struct overlay_xattr *v;
    size_t n, cap;
    struct buf names;
};

static void attrs_done(struct attrs *a)
{
    for (size_t i = 0; i < a->n; i++)
        free((void *)a->v[i].value);
    free(a->v);
    buf_done(&a->names);
}
DEFINE_AUTO(attrs, attrs_done)

static int by_attr_name(const void *a, const void *b)
{
    const struct overlay_xattr *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int read_attr(const struct upath *p, const char *disk, const char *shown, struct attrs *a)
{
    ssize_t n = upath_getxattr(p, disk, NULL, 0);
    if (n < 0)
        return (int)n;
    char *value = xcalloc((size_t)n + 1, 1);
    ssize_t got = upath_getxattr(p, disk, value, (size_t)n);
    if (n && got < 0) {
        free(value);
        return (int)got;
    }
    grow_array(a->v, a->n, a->cap);
    a->v[a->n++] = (struct overlay_xattr){shown, value, n ? (size_t)got : 0};
    return 0;
}

static int read_attrs(const struct upath *p, struct attrs *a)
{
    int r = upath_listxattr(p, &a->names);
    for (const char *s = a->names.data; r == 0 && s < a->names.data + a->names.len;
         s += strlen(s) + 1) {
        const char *shown = upper_xattr_shown(s, UPPER_VIRTUAL);
        if (shown)
            r = read_attr(p, s, shown, a);
    }
    if (a->n)
        qsort(a->v, a->n, sizeof(*a->v), by_attr_name);
    return r;
}

/* --- one name ----------------------------------------------------------------------------- */

/* The first path of a file with several names, or NULL when this is it. */
static const char *first_name(struct scan *s, const struct stat *st)
{
    uint64_t key = st->st_ino;
    char *first = idmap_get(&s->seen.by_ino, key);
    if (first)
        return first;
    grow_array(s->seen.paths, s->seen.n, s->seen.cap);
    s->seen.paths[s->seen.n] = xstrdup(s->path.data);
    idmap_set(&s->seen.by_ino, key, s->seen.paths[s->seen.n++]);
    return NULL;
}

static int open_content(struct scan *s, const struct upath *p, const struct upper_object *o,
                        struct overlay_change *c)
{
    if (S_ISREG(o->v.mode)) {
        c->fd = openat(p->dirfd, p->rel, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (c->fd < 0)
            return -errno;
    }
    if (!o->meta)
        return 0;
    struct lower_ref ref;
    if (!S_ISREG(o->v.mode) || !lower_by_ino(s->ov, o->ino, &ref))
        return -EIO;
    c->layer = &s->ov->layers[ref.layer];
    c->inode = ref.inode;
    return S_ISREG(c->layer->inodes[ref.inode].mode) ? 0 : -EIO;
}

static void virtual_stat(const struct upper_object *o, struct stat *ret)
{
    *ret = o->st;
    ret->st_mode = o->v.mode;
    ret->st_uid = o->v.uid;
    ret->st_gid = o->v.gid;
    ret->st_rdev = o->v.rdev;
    if (o->typed && !S_ISLNK(o->v.mode))
        ret->st_size = 0;
}

static int report_object(struct scan *s, const struct upath *p, const struct upper_object *o,
                         const struct place *below)
{
    auto_done(attrs) struct attrs attrs = {0};
    auto_free char *link = NULL;
    struct overlay_change c = {.path = buf_str(&s->path),
                               .kind = OVERLAY_ENTRY,
                               .in_lower = below->n_lowers > 0,
                               .fd = -1};
    bool dir = S_ISDIR(o->v.mode);
    c.opaque = dir && o->opaque && below->n_lowers > 0;
    virtual_stat(o, &c.st);
    int r = 0;
    if (!dir && o->st.st_nlink > 1)
        c.hard_link = first_name(s, &o->st);
    if (!c.hard_link)
        r = open_content(s, p, o, &c);
    if (r == 0 && S_ISLNK(o->v.mode))
        r = upper_readlink(p, o->typed, &link);
    if (r == 0 && (!S_ISLNK(o->v.mode) || o->typed))
        r = read_attrs(p, &attrs);
    c.link = link;
    c.xattrs = attrs.v;
    c.n_xattrs = attrs.n;
    r = r < 0 ? failed(s, r) : s->fn(s->arg, &c, s->err);
    close_fd(&c.fd);
    return r;
}

static int report_whiteout(struct scan *s)
{
    struct overlay_change c = {
        .path = buf_str(&s->path), .kind = OVERLAY_WHITEOUT, .in_lower = true, .fd = -1};
    return s->fn(s->arg, &c, s->err);
}

static int scan_dir(struct scan *s, const struct place *at);

/* What the layers have under this name of a directory. */
static void descend(struct scan *s, const struct place *at, const char *name, struct place *ret)
{
    ret->lowers = xcalloc(at->n_lowers + 1, sizeof(*ret->lowers));
    ret->n_lowers = lower_lookup(s->ov, at->lowers, at->n_lowers, name, strlen(name), ret->lowers,
                                 at->n_lowers);
}

/* Reads the object at the path at hand. The rooms of a upath stay out of the recursion. */
__attribute__((noinline)) static int scan_object(struct scan *s, const struct place *below,
                                                 bool is_root, bool *ret_dir, bool *ret_opaque)
{
    struct upath p;
    struct upper_object o;
    upath_at(&p, s->ov->upper_fd, is_root ? "." : s->path.data, s->ov->journal);
    int r = upper_read(&p, s->ov->style, &o);
    if (r < 0)
        return failed(s, r);
    *ret_dir = S_ISDIR(o.v.mode);
    *ret_opaque = o.opaque;
    if (upper_is_whiteout(&o.st))
        return below->n_lowers ? report_whiteout(s) : 0;
    if (is_root && !o.has_override)
        return 0;
    return report_object(s, &p, &o, below);
}

static int scan_name(struct scan *s, const struct place *at, const char *name)
{
    size_t len = s->path.len;
    bool dir, opaque;
    struct place below;
    descend(s, at, name, &below);
    buf_printf(&s->path, "%s%s", len ? "/" : "", name);
    int r = 0;
    if (s->path.len >= PATH_MAX)
        r = failed(s, -ENAMETOOLONG);
    else
        r = scan_object(s, &below, false, &dir, &opaque);
    if (r == 0 && dir) {
        /* What is no directory below, or cut off, is not merged with. */
        if (opaque ||
            (below.n_lowers &&
             !S_ISDIR(s->ov->layers[below.lowers[0].layer].inodes[below.lowers[0].inode].mode)))
            below.n_lowers = 0;
        r = scan_dir(s, &below);
    }
    buf_truncate(&s->path, len);
    free(below.lowers);
    return r;
}

/* A ".wh." file of an upper directory whose file system refuses real whiteouts. */
static int scan_prefixed(struct scan *s, const struct place *at, const char *name)
{
    size_t len = s->path.len;
    struct place below;
    descend(s, at, name, &below);
    buf_printf(&s->path, "%s%s", len ? "/" : "", name);
    int r = below.n_lowers ? report_whiteout(s) : 0;
    buf_truncate(&s->path, len);
    free(below.lowers);
    return r;
}

static bool is_prefixed(const char *name)
{
    return strncmp(name, UPPER_WHITEOUT, strlen(UPPER_WHITEOUT)) == 0;
}

static const char *shown_name(const char *name)
{
    return is_prefixed(name) ? name + strlen(UPPER_WHITEOUT) : name;
}

/* By the names that they are about; of a whiteout and an object, which a crash may leave, the
 * object comes first. */
static int by_shown_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int r = strcmp(shown_name(x), shown_name(y));
    return r ? r : is_prefixed(x) - is_prefixed(y);
}

static int scan_dir(struct scan *s, const struct place *at)
{
    auto_strv names = {0};
    const char *before = "";
    int r = list_dir_at(s->ov->upper_fd, s->path.len ? s->path.data : ".", &names, s->err);
    if (r < 0)
        return r;
    if (s->ov->prefix_whiteouts && names.len)
        qsort(names.v, names.len, sizeof(*names.v), by_shown_name);
    strv_foreach (&names, name) {
        if (!s->ov->prefix_whiteouts || !is_prefixed(name))
            r = scan_name(s, at, before = name);
        else if (strcmp(shown_name(name), before) != 0)
            r = scan_prefixed(s, at, shown_name(name));
        if (r < 0)
            return r;
    }
    return 0;
}

int overlay_changes(const struct overlay_options *o,
                    int (*fn)(void *arg, const struct overlay_change *c, struct err *err),
                    void *arg, struct err *err)
{
    auto_done(scan) struct scan s = {.fn = fn, .arg = arg, .err = err};
    int r = overlay_open_for_changes(o, &s.ov, err);
    if (r < 0)
        return r;
    bool dir, opaque;
    struct place at = {s.ov->root->lowers, s.ov->root->n_lowers};
    r = scan_object(&s, &at, true, &dir, &opaque);
    return r < 0 ? r : scan_dir(&s, &at);
}

ssize_t overlay_change_read(const struct overlay_change *c, void *data, size_t len, uint64_t offset)
{
    if (c->node)
        return node_read(c->overlay, c->node, data, len, offset);
    return c->layer ? layer_read(c->layer, c->inode, data, len, offset)
                    : pread_full(c->fd, data, len, (off_t)offset);
}
