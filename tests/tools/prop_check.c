/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing the overlay with the model. */
#include "base/alloc.h"
#include "tests/tools/prop.h"

#include <string.h>

struct check {
    struct world *w;
    struct overlay *ov;
    bool committed;
    struct idmap inos; /* number → object */
};

static void fail_at(const struct check *c, const struct obj *dir, int name, const char *what,
                    long long got, long long want)
{
    auto_buf path = {0};
    if (dir)
        obj_path(dir, name, &path);
    prop_fail(c->w, "%s%s: %s is %lld, not %lld", c->committed ? "committed " : "",
              dir ? buf_str(&path) : "unlinked object", what, got, want);
}

#define WANT(got, want, what)                                                                      \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            fail_at(c, dir, name, what, got_, want_);                                              \
    } while (0)

static uint32_t count_subdirs(const struct obj *o)
{
    uint32_t n = 0;
    for (int i = 0; i < N_NAMES; i++)
        n += o->child[i] && obj_is_dir(o->child[i]);
    return n;
}

static uint32_t links(const struct obj *o)
{
    return obj_is_dir(o) && o->names ? 2 + count_subdirs(o) : o->names;
}

static void check_number(struct check *c, const struct obj *dir, int name, struct obj *o,
                         uint64_t ino)
{
    struct obj *other = idmap_get(&c->inos, ino);
    if (other && other != o)
        prop_fail(c->w, "inode number %llu twice: mode %o with %u names, mode %o with %u names",
                  (unsigned long long)ino, o->mode, o->names, other->mode, other->names);
    idmap_set(&c->inos, ino, o);
    if (c->committed)
        return;
    /* A plain link cannot bear a note of the number it had before, nor a real device, nor anything
     * where there are no extended attributes. */
    bool bears =
        !c->w->bare && (S_ISREG(o->mode) || obj_is_dir(o) || (!c->w->real && !S_ISLNK(o->mode)));
    if (!o->ino || !bears)
        o->ino = ino;
    WANT(ino, o->ino, "inode number");
}

static void check_stat(struct check *c, const struct obj *dir, int name, struct node *n,
                       struct obj *o)
{
    struct stat st;
    WANT(node_stat(c->ov, n, &st), 0, "stat");
    WANT(st.st_mode, o->mode, "mode");
    WANT(st.st_uid, o->uid, "uid");
    WANT(st.st_gid, o->gid, "gid");
    WANT(st.st_nlink, links(o), "nlink");
    if (S_ISCHR(o->mode) || S_ISBLK(o->mode))
        WANT(st.st_rdev, o->rdev, "rdev");
    if (!obj_is_dir(o))
        WANT(st.st_size, o->len, "size");
    check_number(c, dir, name, o, st.st_ino);
    if (c->committed && o == c->w->root)
        return; /* its time is not a change */
    if (!o->mtime_known && !c->committed) {
        o->mtime = st.st_mtim;
        o->mtime_known = true;
    }
    WANT(st.st_mtim.tv_sec, o->mtime.tv_sec, "mtime");
    WANT(st.st_mtim.tv_nsec, o->mtime.tv_nsec, "mtime's nanoseconds");
}

static void check_xattrs(struct check *c, const struct obj *dir, int name, struct node *n,
                         struct obj *o)
{
    auto_buf list = {0};
    int want = 0, got = 0;
    WANT(node_listxattr(c->ov, n, &list), 0, "listxattr");
    for (const char *s = list.data; s && s < list.data + list.len; s += strlen(s) + 1)
        got++;
    for (int i = 0; i < (int)prop_n_xattrs(c->w); i++) {
        char value[XATTR_ROOM] = "";
        ssize_t len = node_getxattr(c->ov, n, prop_xattrs[i], value, sizeof(value));
        want += o->xattrs[i].set;
        WANT(len, o->xattrs[i].set ? (ssize_t)strlen(o->xattrs[i].value) : -ENODATA,
             prop_xattrs[i]);
        if (len > 0 && memcmp(value, o->xattrs[i].value, (size_t)len) != 0)
            prop_fail(c->w, "%s is %s, not %s", prop_xattrs[i], value, o->xattrs[i].value);
    }
    WANT(got, want, "number of attributes");
}

/* What is called a hole must be zeros, and the runs must follow each other. */
static void check_holes(struct check *c, const struct obj *dir, int name, struct node *n,
                        const struct obj *o)
{
    off_t at = 0, size = (off_t)o->len;
    while (at < size) {
        off_t data = node_seek(c->ov, n, at, SEEK_DATA);
        off_t end = data == -ENXIO ? size : data;
        if (end < at || end > size)
            fail_at(c, dir, name, "SEEK_DATA", data, at);
        for (; at < end; at++)
            WANT(o->data[at], 0, "byte in a hole");
        if (data == -ENXIO)
            break;
        off_t hole = node_seek(c->ov, n, at, SEEK_HOLE);
        if (hole <= at || hole > size)
            fail_at(c, dir, name, "SEEK_HOLE", hole, at);
        at = hole;
    }
    WANT(node_seek(c->ov, n, size, SEEK_DATA), -ENXIO, "SEEK_DATA at the end");
}

static void check_content(struct check *c, const struct obj *dir, int name, struct node *n,
                          const struct obj *o)
{
    auto_free char *target = NULL;
    if (S_ISLNK(o->mode)) {
        WANT(node_readlink(c->ov, n, &target), 0, "readlink");
        if (strcmp(target, o->data) != 0)
            prop_fail(c->w, "link is %s, not %s", target, o->data);
    }
    if (!S_ISREG(o->mode))
        return;
    char data[8192];
    size_t at = 0;
    for (;;) {
        ssize_t want = o->len - at < sizeof(data) ? (ssize_t)(o->len - at) : (ssize_t)sizeof(data);
        WANT(node_read(c->ov, n, data, sizeof(data), at), want, "bytes read");
        if (want == 0)
            break;
        if (memcmp(data, o->data + at, (size_t)want) != 0)
            for (ssize_t i = 0; i < want; i++)
                WANT(data[i], o->data[at + (size_t)i], "byte");
        at += (size_t)want;
    }
    check_holes(c, dir, name, n, o);
}

static void check_object(struct check *c, const struct obj *dir, int name, struct node *n,
                         struct obj *o)
{
    if (!c->committed && o->holds)
        WANT(n->id, o->node_id, "node of a name that we hold");
    if (o->seen == c->w->comparison && !obj_is_dir(o)) {
        if (!c->committed)
            WANT(n->ino, o->ino, "inode number of another name");
        return;
    }
    o->seen = c->w->comparison;
    check_stat(c, dir, name, n, o);
    check_xattrs(c, dir, name, n, o);
    check_content(c, dir, name, n, o);
}

static int find_name(const char *s, size_t len)
{
    for (int i = 0; i < N_NAMES; i++)
        if (strlen(prop_names[i]) == len && memcmp(prop_names[i], s, len) == 0)
            return i;
    return -1;
}

static bool shown(const struct check *c, const struct obj *o)
{
    return o && !(c->committed && S_ISSOCK(o->mode) && !c->w->real);
}

/* The listing has every name once, with ascending cookies. */
static void check_names(struct check *c, const struct obj *dir, struct node *n)
{
    int name = -1;
    bool seen[N_NAMES] = {0};
    uint64_t cookie = DIR_FIRST_COOKIE - 1;
    WANT(dir_load(c->ov, n), 0, "listing");
    for (size_t i = 0; i < n->dir->n_slots; i++) {
        const struct child *e = n->dir->slots[i].child;
        if (!e)
            continue;
        name = find_name(e->name, e->len);
        if (e->cookie <= cookie || e->cookie != n->dir->slots[i].cookie)
            fail_at(c, dir, name, "cookie", (long long)e->cookie, (long long)cookie);
        cookie = e->cookie;
        if (name < 0)
            prop_fail(c->w, "listing has \"%.*s\"", e->len, e->name);
        WANT(seen[name], false, "twice in the listing");
        WANT(true, shown(c, dir->child[name]), "in the listing");
        seen[name] = true;
    }
    for (name = 0; name < N_NAMES; name++)
        WANT(seen[name], shown(c, dir->child[name]), "in the listing");
}

static void check_dir(struct check *c, struct obj *dir, struct node *n)
{
    check_names(c, dir, n);
    for (int name = 0; name < N_NAMES; name++) {
        auto_node child = {c->ov, NULL};
        struct obj *o = dir->child[name];
        int r = node_lookup(c->ov, n, prop_names[name], strlen(prop_names[name]), &child.n);
        WANT(r, shown(c, o) ? 0 : -ENOENT, "lookup");
        if (r < 0)
            continue;
        check_object(c, dir, name, child.n, o);
        if (obj_is_dir(o))
            check_dir(c, o, child.n);
    }
}

void check_tree(struct world *w, struct overlay *ov, bool committed)
{
    struct check c = {.w = w, .ov = ov, .committed = committed};
    w->comparison++;
    check_object(&c, w->root, -1, ov->root, w->root);
    check_dir(&c, w->root, ov->root);
    for (struct obj *o = w->orphans; o && !committed; o = o->next_orphan) {
        struct node *n = node_by_id(ov, o->node_id);
        if (!n)
            prop_fail(w, "an unlinked object that we hold is gone");
        check_object(&c, NULL, -1, n, o);
    }
    idmap_done(&c.inos);
}
