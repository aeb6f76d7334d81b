/* SPDX-License-Identifier: Apache-2.0 */
/* The model: objects in memory. */
#include "base/alloc.h"
#include "tests/tools/prop.h"

#include <string.h>
#include <sys/sysmacros.h>

#define N50 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

/* The longest is as long as a name may be where its whiteout is one with a prefix. */
const char *const prop_names[N_NAMES] = {"a",  "b",   "c",        "dd",
                                         "ee", "ff",  "g.h",      "x.wh.y",
                                         ".w", "z z", "\xc3\xa9", N50 N50 N50 N50 N50 "n"};
const char *const prop_xattrs[N_XATTRS] = {"user.a",
                                           "user.bb",
                                           "security.p",
                                           "trusted.t",
                                           "user.overlay.opaque",
                                           "user.containers.override_stat"};

struct obj *obj_new(mode_t mode)
{
    struct obj *o = new0(struct obj);
    o->mode = mode;
    o->mtime_known = true;
    return o;
}

struct obj *obj_copy(const struct obj *o)
{
    struct obj *c = new0(struct obj);
    *c = *o;
    c->data = o->data ? xmemdup(o->data, o->len + 1) : NULL;
    c->names = 0;
    c->parent = c->merged = NULL;
    memset(c->child, 0, sizeof(c->child));
    return c;
}

void obj_free(struct obj *o)
{
    free(o->data);
    free(o);
}

void obj_attach(struct obj *dir, int name, struct obj *o)
{
    dir->child[name] = o;
    o->names++;
    if (obj_is_dir(o)) {
        o->parent = dir;
        o->name = name;
    }
}

static void drop(struct world *w, struct obj *o)
{
    if (--o->names)
        return;
    if (o->holds) {
        o->mtime_known &= !obj_is_dir(o); /* whiteouts in it go with it */
        o->next_orphan = w->orphans;
        w->orphans = o;
    } else {
        obj_free(o);
    }
}

void obj_detach(struct world *w, struct obj *dir, int name)
{
    struct obj *o = dir->child[name];
    if (!o)
        return;
    for (int i = 0; i < N_NAMES && obj_is_dir(o); i++)
        obj_detach(w, o, i);
    dir->child[name] = NULL;
    drop(w, o);
}

void obj_free_tree(struct obj *dir)
{
    for (int i = 0; i < N_NAMES; i++) {
        struct obj *o = dir->child[i];
        if (o && obj_is_dir(o))
            obj_free_tree(o);
        else if (o && --o->names == 0)
            obj_free(o);
    }
    obj_free(dir);
}

bool obj_is_empty(const struct obj *dir)
{
    for (int i = 0; i < N_NAMES; i++)
        if (dir->child[i])
            return false;
    return true;
}

bool obj_above(const struct obj *o, const struct obj *dir)
{
    for (; dir; dir = dir->parent)
        if (dir == o)
            return true;
    return false;
}

unsigned obj_depth(const struct obj *dir)
{
    unsigned n = 0;
    for (; dir->parent; dir = dir->parent)
        n++;
    return n;
}

struct timespec prop_random_time(struct world *w)
{
    return (struct timespec){prop_below(w, 2000000000),
                             prop_chance(w, 50) ? prop_below(w, 1000000000) : 0};
}

mode_t obj_random_type(struct world *w)
{
    static const mode_t types[] = {S_IFREG, S_IFREG, S_IFREG, S_IFREG, S_IFDIR, S_IFDIR, S_IFDIR,
                                   S_IFLNK, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK};
    return types[prop_below(w, sizeof(types) / sizeof(*types))];
}

static void random_content(struct world *w, struct obj *o)
{
    if (S_ISREG(o->mode)) {
        obj_resize(o, prop_chance(w, 80) ? prop_below(w, 600) : prop_below(w, MAX_DATA / 2));
        for (size_t i = 0; i < o->len; i += 1 + prop_below(w, 64))
            o->data[i] = (char)prop_below(w, 256);
    } else if (S_ISLNK(o->mode)) {
        o->data = xasprintf("%s/%u", prop_names[prop_below(w, N_NAMES)], prop_below(w, 1000));
        o->len = strlen(o->data);
    } else if (S_ISCHR(o->mode) || S_ISBLK(o->mode)) {
        o->rdev = makedev(1 + prop_below(w, 300), prop_below(w, 70000));
    }
}

static bool may_bear(const struct obj *o, int x)
{
    return S_ISREG(o->mode) || obj_is_dir(o) || strncmp(prop_xattrs[x], "user.", 5) != 0;
}

void obj_randomize(struct world *w, struct obj *o)
{
    static const mode_t modes[] = {0644, 0755, 0600, 0, 04755, 02755, 01777, 0444, 07777, 0111};
    o->mode |= S_ISLNK(o->mode) ? 0777 : modes[prop_below(w, sizeof(modes) / sizeof(*modes))];
    if (prop_chance(w, 40)) {
        o->uid = prop_below(w, 3) * 1000;
        o->gid = prop_below(w, 3) * 70000;
    }
    o->mtime = prop_random_time(w);
    random_content(w, o);
    for (int i = 0; i < (int)prop_n_xattrs(w); i++) {
        if (!prop_chance(w, 10) || !may_bear(o, i))
            continue;
        o->xattrs[i].set = true;
        snprintf(o->xattrs[i].value, XATTR_ROOM, "v%u", prop_below(w, 100));
    }
}

void obj_path(const struct obj *dir, int name, struct buf *ret)
{
    if (dir->parent)
        obj_path(dir->parent, dir->name, ret);
    if (name >= 0)
        buf_printf(ret, "/%s", prop_names[name]);
}

void obj_resize(struct obj *o, size_t len)
{
    o->data = xrealloc(o->data, len + 1, 1);
    if (len > o->len)
        memset(o->data + o->len, 0, len - o->len);
    o->len = len;
    o->data[len] = 0;
}

static void collect(struct world *w, struct obj *dir)
{
    grow_array(w->dirs, w->n_dirs, w->cap_dirs);
    w->dirs[w->n_dirs++] = dir;
    for (int i = 0; i < N_NAMES; i++) {
        if (!dir->child[i])
            continue;
        grow_array(w->all, w->n_all, w->cap_all);
        w->all[w->n_all++] = (struct pos){dir, i};
        if (obj_is_dir(dir->child[i]))
            collect(w, dir->child[i]);
    }
}

void prop_collect(struct world *w)
{
    w->n_all = w->n_dirs = 0;
    collect(w, w->root);
}
