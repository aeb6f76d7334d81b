/* SPDX-License-Identifier: Apache-2.0 */
/* The core by path, in process.
 *
 * Theory of operation. A path is walked name by name; links are put in front of what is left of it,
 * and ".." at the root stays there, so nothing leads out. Directories that were walked stay in
 * memory until the overlay is closed, as a caller that writes a thousand files into one would build
 * its table a thousand times. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/node.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINKS 40

static void keep(struct overlay *ov, struct node *n)
{
    if (n->kept || !node_is_dir(n))
        return;
    n->kept = true;
    grow_array(ov->kept, ov->n_kept, ov->cap_kept);
    ov->kept[ov->n_kept++] = node_ref(n);
}

struct walk {
    struct overlay *ov;
    struct node *at;  /* referenced: what the path names so far */
    struct node *dir; /* referenced: the directory that lacks the last name */
    struct buf rest;  /* what is left of the path */
    struct buf done;  /* the path so far, resolved: "" or "/a/b" */
    char name[NAME_MAX + 1];
    bool missing; /* the last name, or one before it, does not exist */
    int links;
};

static void walk_done(struct walk *w)
{
    if (w->at)
        node_unref(w->ov, w->at);
    if (w->dir)
        node_unref(w->ov, w->dir);
    buf_done(&w->rest);
    buf_done(&w->done);
}
DEFINE_AUTO(walk, walk_done)

static void set_at(struct walk *w, struct node *n)
{
    if (w->at)
        node_unref(w->ov, w->at);
    w->at = n;
}

/* Takes the next name off the rest: its length, 0 at the end. */
static int next_name(struct walk *w, bool *ret_last)
{
    size_t skip = w->rest.len ? strspn(w->rest.data, "/") : 0;
    buf_consume(&w->rest, skip);
    size_t len = strcspn(buf_str(&w->rest), "/");
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(w->name, buf_str(&w->rest), len);
    w->name[len] = 0;
    buf_consume(&w->rest, len);
    const char *rest = buf_str(&w->rest);
    *ret_last = rest[strspn(rest, "/")] == 0;
    return (int)len;
}

static int go_up(struct walk *w)
{
    struct node *n = w->at;
    if (n != w->ov->root)
        set_at(w, node_ref(n->names->dir));
    const char *slash = strrchr(buf_str(&w->done), '/');
    if (slash)
        buf_truncate(&w->done, (size_t)(slash - w->done.data));
    return 0;
}

static int follow(struct walk *w, struct node *link)
{
    auto_free char *target = NULL;
    if (++w->links > MAX_LINKS)
        return -ELOOP;
    int r = node_readlink(w->ov, link, &target);
    if (r < 0)
        return r;
    if (*target == '/') {
        set_at(w, node_ref(w->ov->root));
        buf_truncate(&w->done, 0);
    }
    auto_buf rest = {0};
    buf_printf(&rest, "%s/%s", target, buf_str(&w->rest));
    if (rest.len >= 2 * PATH_MAX)
        return -ENAMETOOLONG;
    buf_truncate(&w->rest, 0);
    buf_add(&w->rest, rest.data, rest.len);
    return 0;
}

/* What is not there is a plain path from here on. */
static void go_missing(struct walk *w, bool last)
{
    if (last && !w->missing) {
        w->dir = w->at;
        w->at = NULL;
    }
    w->missing = true;
    buf_printf(&w->done, "/%s", w->name);
}

static int step(struct walk *w, size_t len, bool last, int flags)
{
    if (strcmp(w->name, ".") == 0)
        return 0;
    if (w->missing) {
        if (strcmp(w->name, "..") == 0)
            return -ENOENT;
        go_missing(w, last);
        return 0;
    }
    if (!node_is_dir(w->at))
        return -ENOTDIR;
    if (strcmp(w->name, "..") == 0)
        return go_up(w);
    struct node *n;
    keep(w->ov, w->at);
    int r = node_lookup(w->ov, w->at, w->name, len, &n);
    if (r == -ENOENT) {
        go_missing(w, last);
        return 0;
    }
    if (r < 0)
        return r;
    if (S_ISLNK(n->v.mode) && !(last && (flags & OVERLAY_NOFOLLOW))) {
        r = follow(w, n);
        node_unref(w->ov, n);
        return r;
    }
    set_at(w, n);
    buf_printf(&w->done, "/%s", w->name);
    return 0;
}

/* Afterwards either `at` is the object, or `missing` is set; then `dir` is the directory that lacks
 * the last name, or NULL when more than that is missing. */
static int walk(struct walk *w, struct overlay *ov, const char *path, int flags)
{
    w->ov = ov;
    w->at = node_ref(ov->root);
    buf_add_str(&w->rest, path);
    for (;;) {
        bool last;
        int len = next_name(w, &last);
        if (len < 0)
            return len;
        if (len == 0)
            return 0;
        int r = step(w, (size_t)len, last, flags);
        if (r < 0)
            return r;
    }
}

int node_find(struct overlay *ov, const char *path, int flags, struct node **ret)
{
    auto_done(walk) struct walk w = {0};
    int r = walk(&w, ov, path, flags);
    if (r < 0)
        return r;
    if (w.missing)
        return -ENOENT;
    *ret = take_ptr(w.at);
    return 0;
}

int overlay_stat(struct overlay *ov, const char *path, int flags, struct stat *ret)
{
    auto_node n = {ov, NULL};
    int r = node_find(ov, path, flags, &n.n);
    return r < 0 ? r : node_stat(ov, n.n, ret);
}

int overlay_realpath(struct overlay *ov, const char *path, bool missing_ok, char **ret)
{
    auto_done(walk) struct walk w = {0};
    int r = walk(&w, ov, path, 0);
    if (r < 0)
        return r;
    if (w.missing && !missing_ok)
        return -ENOENT;
    *ret = xstrdup(w.done.len ? w.done.data : "/");
    return 0;
}

int overlay_readlink(struct overlay *ov, const char *path, char **ret)
{
    auto_node n = {ov, NULL};
    int r = node_find(ov, path, OVERLAY_NOFOLLOW, &n.n);
    return r < 0 ? r : node_readlink(ov, n.n, ret);
}

ssize_t overlay_read(struct overlay *ov, const char *path, void *data, size_t len, uint64_t offset)
{
    auto_node n = {ov, NULL};
    int r = node_find(ov, path, 0, &n.n);
    return r < 0 ? r : node_read(ov, n.n, data, len, offset);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int visible_names(const struct node *dir, char ***ret, size_t *ret_n)
{
    const struct dir *d = dir->dir;
    char **names = xcalloc(d->n_slots + 1, sizeof(*names));
    size_t n = 0;
    for (size_t i = 0; i < d->n_slots; i++)
        if (d->slots[i].child)
            names[n++] = xstrndup(d->slots[i].child->name, d->slots[i].child->len);
    qsort(names, n, sizeof(*names), by_name);
    *ret = names;
    *ret_n = n;
    return 0;
}

static int list_one(struct overlay *ov, struct node *dir, const char *name,
                    int (*fn)(void *arg, const char *name, const struct stat *st), void *arg)
{
    auto_node n = {ov, NULL};
    struct stat st;
    int r = node_lookup(ov, dir, name, strlen(name), &n.n);
    if (r == 0)
        r = node_stat(ov, n.n, &st);
    return r < 0 ? r : fn(arg, name, &st);
}

int overlay_list(struct overlay *ov, const char *path,
                 int (*fn)(void *arg, const char *name, const struct stat *st), void *arg)
{
    auto_node dir = {ov, NULL};
    int r = node_find(ov, path, 0, &dir.n);
    if (r == 0)
        r = dir_load(ov, dir.n);
    if (r < 0)
        return r;
    keep(ov, dir.n);
    char **names;
    size_t n;
    visible_names(dir.n, &names, &n);
    for (size_t i = 0; i < n; i++) {
        if (r == 0)
            r = list_one(ov, dir.n, names[i], fn, arg);
        free(names[i]);
    }
    free(names);
    return r;
}

/* --- writing ------------------------------------------------------------------------------ */

static struct make as_make(const struct overlay_attr *attr, mode_t type)
{
    return (struct make){.mode = type | (attr->mode & 07777),
                         .uid = attr->uid,
                         .gid = attr->gid,
                         .mtime = &attr->mtime,
                         .data_fd = -1};
}

static int make_one_dir(struct overlay *ov, struct node *dir, const char *name,
                        const struct overlay_attr *attr, struct node **ret)
{
    struct make m = as_make(attr, S_IFDIR);
    return node_make(ov, dir, name, &m, ret);
}

int overlay_mkdirs(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                   struct err *err)
{
    auto_free char *real = NULL;
    int r = overlay_realpath(ov, path, true, &real);
    if (r < 0)
        return err_errno(err, r, "%s", path);
    auto_node at = {ov, node_ref(ov->root)};
    for (const char *s = real; *s;) {
        s += strspn(s, "/");
        size_t len = strcspn(s, "/");
        if (len == 0)
            break;
        auto_free char *name = xstrndup(s, len);
        struct node *n;
        s += len;
        keep(ov, at.n);
        r = node_lookup(ov, at.n, name, len, &n);
        if (r == -ENOENT)
            r = make_one_dir(ov, at.n, name, attr, &n);
        if (r < 0)
            return err_errno(err, r, "make directory %s", path);
        node_unref(ov, at.n);
        at.n = n;
        if (!node_is_dir(n))
            return err_errno(err, -ENOTDIR, "make directory %s", path);
    }
    return 0;
}

int overlay_set_attr(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                     struct err *err)
{
    auto_node n = {ov, NULL};
    int r = node_find(ov, path, OVERLAY_NOFOLLOW, &n.n);
    if (r == 0)
        r = node_chown(ov, n.n, attr->uid, attr->gid);
    if (r == 0 && !S_ISLNK(n.n->v.mode))
        r = node_chmod(ov, n.n, attr->mode);
    struct timespec times[2] = {attr->mtime, attr->mtime};
    if (r == 0)
        r = node_utimens(ov, n.n, times);
    return r < 0 ? err_errno(err, r, "set attributes of %s", path) : 0;
}

static const char *last_name(const struct walk *w)
{
    const char *slash = strrchr(buf_str(&w->done), '/');
    return slash ? slash + 1 : "";
}

/* The directory in which a path's last name is to be made, with a reference. An empty directory of
 * that name gives way. */
static int find_place(struct walk *w, struct overlay *ov, const char *path, struct node **ret)
{
    auto_node dir = {ov, NULL};
    int r = walk(w, ov, path, OVERLAY_NOFOLLOW);
    if (r < 0)
        return r;
    if (w->missing && !w->dir)
        return -ENOENT;
    if (w->at == ov->root)
        return -EISDIR;
    dir.n = w->missing ? take_ptr(w->dir) : node_ref(w->at->names->dir);
    if (!w->missing && node_is_dir(w->at))
        r = node_remove(ov, dir.n, last_name(w), REMOVE_DIR);
    if (r < 0)
        return r == -ENOTEMPTY ? -EISDIR : r;
    keep(ov, dir.n);
    *ret = take_ptr(dir.n);
    return 0;
}

static int put(struct overlay *ov, const char *path, const struct make *m, struct err *err)
{
    auto_done(walk) struct walk w = {0};
    auto_node dir = {ov, NULL}, n = {ov, NULL};
    int r = find_place(&w, ov, path, &dir.n);
    if (r == 0)
        r = node_put(ov, dir.n, last_name(&w), m, &n.n);
    return r < 0 ? err_errno(err, r, "write %s", path) : 0;
}

int overlay_put_link(struct overlay *ov, const char *path, const char *from, struct err *err)
{
    auto_done(walk) struct walk w = {0};
    auto_node dir = {ov, NULL}, n = {ov, NULL};
    int r = node_find(ov, from, OVERLAY_NOFOLLOW, &n.n);
    if (r == 0 && node_is_dir(n.n))
        r = -EPERM;
    if (r == 0)
        r = find_place(&w, ov, path, &dir.n);
    if (r == 0 && w.at == n.n)
        return 0; /* it is that name already */
    if (r == 0 && w.at && !node_is_dir(w.at))
        r = node_remove(ov, dir.n, last_name(&w), REMOVE_FILE);
    if (r == 0)
        r = node_link(ov, n.n, dir.n, last_name(&w));
    return r < 0 ? err_errno(err, r, "link %s to %s", path, from) : 0;
}

int overlay_put_file(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                     int data_fd, struct err *err)
{
    struct make m = as_make(attr, S_IFREG);
    m.data_fd = data_fd;
    return put(ov, path, &m, err);
}

int overlay_put_symlink(struct overlay *ov, const char *path, const char *target,
                        const struct overlay_attr *attr, struct err *err)
{
    struct make m = as_make(attr, S_IFLNK);
    m.mode = S_IFLNK | 0777;
    m.target = target;
    return put(ov, path, &m, err);
}

int overlay_put_node(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                     dev_t rdev, struct err *err)
{
    struct make m = as_make(attr, attr->mode & S_IFMT);
    m.rdev = rdev;
    return put(ov, path, &m, err);
}

int overlay_set_xattr(struct overlay *ov, const char *path, const char *name, const void *value,
                      size_t len, struct err *err)
{
    auto_node n = {ov, NULL};
    int r = node_find(ov, path, OVERLAY_NOFOLLOW, &n.n);
    if (r == 0)
        r = node_setxattr(ov, n.n, name, value, len, 0);
    return r < 0 ? err_errno(err, r, "set attribute %s of %s", name, path) : 0;
}

/* Everything below a directory, then itself. */
static int remove_all(struct overlay *ov, struct node *dir, const char *name)
{
    auto_node n = {ov, NULL};
    int r = node_lookup(ov, dir, name, strlen(name), &n.n);
    if (r == 0 && node_is_dir(n.n))
        r = dir_load(ov, n.n);
    while (r == 0 && node_is_dir(n.n) && !dir_is_empty(n.n)) {
        char **names;
        size_t count;
        visible_names(n.n, &names, &count);
        for (size_t i = 0; i < count; i++) {
            if (r == 0)
                r = remove_all(ov, n.n, names[i]);
            free(names[i]);
        }
        free(names);
    }
    return r < 0 ? r : node_remove(ov, dir, name, REMOVE_ANY);
}

int overlay_remove(struct overlay *ov, const char *path, struct err *err)
{
    auto_done(walk) struct walk w = {0};
    int r = walk(&w, ov, path, OVERLAY_NOFOLLOW);
    if (r == 0 && (w.missing || w.at == ov->root))
        r = w.missing ? -ENOENT : -EBUSY;
    if (r == 0)
        r = remove_all(ov, w.at->names->dir, last_name(&w));
    return r < 0 ? err_errno(err, r, "remove %s", path) : 0;
}
