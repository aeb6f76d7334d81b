/* SPDX-License-Identifier: Apache-2.0 */
/* What a container or an image changed.
 *
 * Theory of operation. What a container changed is its writable directory, read as a commit reads
 * it. Two trees are compared through the overlay core. Inode numbers are counted from the bottom
 * layer, so an object that both have from the same layers has the same number in both: only what
 * differs in number or in attributes is a change. */
#include "engine/diff.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/image_find.h"
#include "engine/root.h"

#include <stdlib.h>
#include <string.h>

typedef void (*diff_fn)(void *arg, char kind, const char *path);

/* --- a container alone ---------------------------------------------------------------------- */

struct writer {
    diff_fn fn;
    void *arg;
};

/* What every container has mounted: podman's list, which it leaves out as well. */
static bool is_mount_of_all(const char *path)
{
    static const char *const paths[] = {
        "/dev", "/etc/hostname",      "/etc/hosts",  "/etc/resolv.conf", "/proc",
        "/run", "/run/.containerenv", "/run/notify", "/run/secrets",     "/sys"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        if (strcmp(paths[i], path) == 0)
            return true;
    return false;
}

static void tell(const struct writer *w, char kind, const char *path)
{
    if (!is_mount_of_all(path))
        w->fn(w->arg, kind, path);
}

static int tell_change(void *arg, const struct overlay_change *c, struct err *err)
{
    const struct writer *w = arg;
    if (!*c->path || strcmp(c->path, ".") == 0)
        return 0;
    auto_free char *path = xasprintf("/%s", c->path);
    tell(w, c->kind == OVERLAY_WHITEOUT ? 'D' : c->in_lower ? 'C' : 'A', path);
    return 0;
}

static int container_changes(struct engine *e, const struct store_container *c, diff_fn fn,
                             void *arg, struct err *err)
{
    auto_done(root) struct root root = {0};
    auto_strv layers = {0};
    struct overlay_options o;
    struct writer w = {.fn = fn, .arg = arg};
    int r = root_container_layers(c, &layers, err);
    if (r == 0)
        r = root_init(&root, &e->store, &layers, c->path, err);
    if (r < 0)
        return r;
    root_overlay_options(&root, &o);
    return overlay_changes(&o, tell_change, &w, err);
}

/* --- two trees ------------------------------------------------------------------------------ */

struct listed {
    char *name;
    struct stat st;
};

struct listing {
    struct listed *v;
    size_t n, cap;
};

static void listing_done(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].name);
    free(l->v);
}
DEFINE_AUTO(listing, listing_done)

static int add_listed(void *arg, const char *name, const struct stat *st)
{
    struct listing *l = arg;
    grow_array(l->v, l->n, l->cap);
    l->v[l->n++] = (struct listed){.name = xstrdup(name), .st = *st};
    return 0;
}

struct comparison {
    struct overlay *now, *before;
    struct strv found; /* kind and path: "A/etc" */
};

static bool differs(const struct stat *a, const struct stat *b)
{
    if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid)
        return true;
    if (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
        return true;
    /* A copy in a writable layer keeps the number of what it is a copy of. */
    return !S_ISDIR(a->st_mode) && (a->st_ino != b->st_ino || a->st_size != b->st_size);
}

static int compare_dirs(struct comparison *c, const char *dir, bool before);

/* Something that only one of them has; with all that is in it when it is new. */
static int only_one(struct comparison *c, const char *path, const struct listed *l, bool added)
{
    strv_addf(&c->found, "%c%s", added ? 'A' : 'D', path);
    return added && S_ISDIR(l->st.st_mode) ? compare_dirs(c, path, false) : 0;
}

static int both(struct comparison *c, const char *path, const struct listed *now,
                const struct listed *before)
{
    bool dir = S_ISDIR(now->st.st_mode), was_dir = S_ISDIR(before->st.st_mode);
    size_t len = c->found.len;
    if (differs(&now->st, &before->st))
        strv_addf(&c->found, "C%s", path);
    int r = dir ? compare_dirs(c, path, was_dir) : 0;
    /* A directory counts as changed when something in it did, as with podman. */
    if (r == 0 && dir && c->found.len > len && strcmp(c->found.v[len] + 1, path) != 0)
        strv_addf(&c->found, "C%s", path);
    return r;
}

/* `before`: the other one has the directory, too. */
static int compare_dirs(struct comparison *c, const char *dir, bool before)
{
    auto_done(listing) struct listing a = {0}, b = {0};
    int r = overlay_list(c->now, dir, add_listed, &a);
    if (r == 0 && before)
        r = overlay_list(c->before, dir, add_listed, &b);
    for (size_t i = 0, j = 0; r == 0 && (i < a.n || j < b.n);) {
        int order = i == a.n ? 1 : j == b.n ? -1 : strcmp(a.v[i].name, b.v[j].name);
        const char *name = order <= 0 ? a.v[i].name : b.v[j].name;
        auto_free char *path = xasprintf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
        if (order == 0)
            r = both(c, path, &a.v[i], &b.v[j]);
        else
            r = only_one(c, path, order < 0 ? &a.v[i] : &b.v[j], order < 0);
        i += order <= 0;
        j += order >= 0;
    }
    return r;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

static int compare_trees(struct overlay *now, struct overlay *before, diff_fn fn, void *arg,
                         struct err *err)
{
    struct comparison c = {.now = now, .before = before};
    struct writer w = {.fn = fn, .arg = arg};
    int r = compare_dirs(&c, "/", true);
    if (r == 0 && c.found.len)
        qsort(c.found.v, c.found.len, sizeof(*c.found.v), by_path);
    for (size_t i = 0; r == 0 && i < c.found.len; i++)
        tell(&w, c.found.v[i][0], c.found.v[i] + 1);
    strv_done(&c.found);
    return r < 0 ? err_errno(err, r, "compare") : 0;
}

/* --- what is meant -------------------------------------------------------------------------- */

/* A container or an image. */
struct object {
    struct store_container container; /* id NULL: it is an image */
    struct store_image image;
    struct strv layers;
};

static void object_done(struct object *o)
{
    store_container_done(&o->container);
    store_image_done(&o->image);
    strv_done(&o->layers);
}
DEFINE_AUTO(object, object_done)

static int find_object(struct engine *e, enum diff_of of, const char *name, struct object *ret,
                       struct err *err)
{
    struct err no_container = {0};
    int r = -ENOENT;
    *ret = (struct object){.container = {.fd = -1}};
    if (of != DIFF_IMAGE) {
        r = store_container_find(&e->store, name, &ret->container, &no_container);
        if (r == 0)
            return root_container_layers(&ret->container, &ret->layers, err);
        if (of == DIFF_CONTAINER || no_container.kind != ERR_NOT_FOUND) {
            if (err)
                *err = no_container;
            return r;
        }
    }
    r = image_find(e, name, &ret->image, NULL, err);
    if (r < 0)
        return err && err->kind == ERR_NOT_FOUND ? err_wrap(err, "%.200s not found", name) : r;
    strv_extend(&ret->layers, &ret->image.layers);
    return 0;
}

/* The tree of an object; with `layers` in the place of its own. */
static int open_tree(struct engine *e, const struct object *o, const struct strv *layers,
                     struct overlay **ret, struct err *err)
{
    auto_done(root) struct root root = {0};
    struct overlay_options options;
    bool container = o->container.id != NULL;
    int r = root_init(&root, &e->store, layers, container ? o->container.path : "", err);
    if (r < 0)
        return r;
    root_overlay_options(&root, &options);
    if (!container)
        options.upper = options.work = NULL;
    return overlay_open(&options, ret, err);
}

static int diff_two(struct engine *e, const struct object *now, const struct object *before,
                    const struct strv *before_layers, diff_fn fn, void *arg, struct err *err)
{
    auto_overlay a = NULL;
    auto_overlay b = NULL;
    int r = open_tree(e, now, &now->layers, &a, err);
    if (r == 0)
        r = open_tree(e, before, before_layers, &b, err);
    return r < 0 ? r : compare_trees(a, b, fn, arg, err);
}

int object_diff(struct engine *e, enum diff_of of, const char *name, const char *against,
                diff_fn fn, void *arg, struct err *err)
{
    auto_done(object) struct object now = {.container = {.fd = -1}};
    auto_done(object) struct object before = {.container = {.fd = -1}};
    int r = find_object(e, of, name, &now, err);
    if (r == 0 && against)
        r = find_object(e, of, against, &before, err);
    if (r < 0)
        return r;
    if (against)
        return diff_two(e, &now, &before, &before.layers, fn, arg, err);
    if (now.container.id)
        return container_changes(e, &now.container, fn, arg, err);
    auto_strv below = {0};
    strv_extend(&below, &now.layers);
    if (below.len)
        strv_remove(&below, below.len - 1);
    return diff_two(e, &now, &now, &below, fn, arg, err);
}
