/* SPDX-License-Identifier: Apache-2.0 */
/* All that an overlay shows.
 *
 * Theory of operation. The merged tree is walked as the kernel would, without a mount and without
 * the work directory's lock, so also while a server has it: what it makes or removes meanwhile may
 * be seen or not, and what is gone when its turn comes is left out. A node lives as long as the
 * walk is in it, so memory is that of the directories on the way. The names of one object are told
 * by its inode number. */
#include "base/alloc.h"
#include "base/strv.h"
#include "overlay-fuse/node.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct seen {
    struct idmap by_ino; /* inode number → path of the first name */
    char **paths;
    size_t n, cap;
};

struct visit {
    struct overlay *ov;
    int (*fn)(void *arg, const struct overlay_change *c, struct err *err);
    void *arg;
    struct err *err;
    struct seen seen;
    struct buf path;
};

static void visit_done(struct visit *v)
{
    for (size_t i = 0; i < v->seen.n; i++)
        free(v->seen.paths[i]);
    free(v->seen.paths);
    idmap_done(&v->seen.by_ino);
    buf_done(&v->path);
    if (v->ov)
        overlay_close(v->ov);
}
DEFINE_AUTO(visit, visit_done)

static int failed(struct visit *v, int code)
{
    return err_errno(v->err, code, "read %.400s", v->path.len ? v->path.data : "the root");
}

/* The first path of an object with several names, or NULL when this is it. */
static const char *first_name(struct visit *v, const struct stat *st)
{
    char *first = idmap_get(&v->seen.by_ino, st->st_ino);
    if (first)
        return first;
    grow_array(v->seen.paths, v->seen.n, v->seen.cap);
    v->seen.paths[v->seen.n] = xstrdup(v->path.data);
    idmap_set(&v->seen.by_ino, st->st_ino, v->seen.paths[v->seen.n++]);
    return NULL;
}

/* --- attributes --------------------------------------------------------------------------- */

struct attrs {
    struct buf names;
    struct overlay_xattr *v;
    size_t n, cap;
};

static void attrs_done(struct attrs *a)
{
    for (size_t i = 0; i < a->n; i++)
        free((void *)a->v[i].value);
    free(a->v);
    buf_done(&a->names);
}
DEFINE_AUTO(attrs, attrs_done)

static int read_attr(struct visit *v, struct node *n, const char *name, struct attrs *a)
{
    for (;;) {
        ssize_t len = node_getxattr(v->ov, n, name, NULL, 0);
        if (len < 0)
            return len == -ENODATA ? 0 : (int)len; /* it is just gone */
        auto_free char *value = xcalloc(1, (size_t)len + 1);
        ssize_t got = node_getxattr(v->ov, n, name, value, (size_t)len);
        if (got == -ERANGE)
            continue;
        if (got < 0)
            return got == -ENODATA ? 0 : (int)got;
        grow_array(a->v, a->n, a->cap);
        a->v[a->n++] = (struct overlay_xattr){name, take_ptr(value), (size_t)got};
        return 0;
    }
}

static int by_attr_name(const void *a, const void *b)
{
    const struct overlay_xattr *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int read_attrs(struct visit *v, struct node *n, struct attrs *a)
{
    int r = node_listxattr(v->ov, n, &a->names);
    for (const char *s = a->names.data; r == 0 && s && s < a->names.data + a->names.len;
         s += strlen(s) + 1)
        r = read_attr(v, n, s, a);
    if (a->n)
        qsort(a->v, a->n, sizeof(*a->v), by_attr_name);
    return r;
}

/* --- the tree ----------------------------------------------------------------------------- */

/* Its buffers stay out of the recursion. */
__attribute__((noinline)) static int report(struct visit *v, struct node *n)
{
    auto_done(attrs) struct attrs attrs = {0};
    auto_free char *link = NULL;
    struct overlay_change c = {.path = buf_str(&v->path),
                               .kind = OVERLAY_ENTRY,
                               .in_lower = n->n_lowers > 0,
                               .fd = -1,
                               .overlay = v->ov,
                               .node = n};
    int r = node_stat(v->ov, n, &c.st);
    if (r == 0 && S_ISLNK(c.st.st_mode))
        r = node_readlink(v->ov, n, &link);
    if (r == 0)
        r = read_attrs(v, n, &attrs);
    if (r < 0)
        return r;
    if (!S_ISDIR(c.st.st_mode) && c.st.st_nlink > 1)
        c.hard_link = first_name(v, &c.st);
    c.link = link;
    c.xattrs = attrs.v;
    c.n_xattrs = attrs.n;
    r = v->fn(v->arg, &c, v->err);
    return r < 0 ? r : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_names(const struct node *dir, struct strv *ret)
{
    const struct dir *d = dir->dir;
    for (size_t i = 0; i < d->n_slots; i++)
        if (d->slots[i].child)
            strv_add_owned(ret, xstrndup(d->slots[i].child->name, d->slots[i].child->len));
    if (ret->len)
        qsort(ret->v, ret->len, sizeof(*ret->v), by_name);
}

static int visit_dir(struct visit *v, struct node *dir);

static int visit_name(struct visit *v, struct node *dir, const char *name)
{
    auto_node n = {v->ov, NULL};
    size_t len = v->path.len;
    buf_printf(&v->path, "%s%s", len ? "/" : "", name);
    int r =
        v->path.len < PATH_MAX ? node_lookup(v->ov, dir, name, strlen(name), &n.n) : -ENAMETOOLONG;
    bool found = r == 0;
    if (found) {
        r = report(v, n.n);
        if (r == 0 && node_is_dir(n.n))
            r = visit_dir(v, n.n);
    }
    if (r == -ENOENT && v->err->code == 0)
        r = 0; /* removed meanwhile */
    if (r < 0 && v->err->code == 0)
        failed(v, r);
    buf_truncate(&v->path, len);
    return r;
}

static int visit_dir(struct visit *v, struct node *dir)
{
    auto_strv names = {0};
    int r = dir_load(v->ov, dir);
    if (r < 0)
        return r;
    list_names(dir, &names);
    for (size_t i = 0; i < names.len && r == 0; i++)
        r = visit_name(v, dir, names.v[i]);
    return r;
}

static int visit_from(struct visit *v, const char *path)
{
    auto_node top = {v->ov, NULL};
    int r = node_find(v->ov, path, 0, &top.n);
    if (r == 0)
        r = report(v, top.n);
    return r == 0 && node_is_dir(top.n) ? visit_dir(v, top.n) : r;
}

int overlay_subtree(const struct overlay_options *o, const char *path,
                    int (*fn)(void *arg, const struct overlay_change *c, struct err *err),
                    void *arg, struct err *err)
{
    struct err said = {0};
    auto_done(visit) struct visit v = {.fn = fn, .arg = arg, .err = &said};
    int r = overlay_open_for_changes(o, &v.ov, &said);
    if (r == 0)
        r = visit_from(&v, path);
    if (r < 0 && said.code == 0)
        failed(&v, r);
    if (r < 0 && err)
        *err = said;
    return r;
}

int overlay_everything(const struct overlay_options *o,
                       int (*fn)(void *arg, const struct overlay_change *c, struct err *err),
                       void *arg, struct err *err)
{
    return overlay_subtree(o, "/", fn, arg, err);
}
