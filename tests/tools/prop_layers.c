/* SPDX-License-Identifier: Apache-2.0 */
/* Random layers, and layers of what changed. */
#include "base/alloc.h"
#include "base/strv.h"
#include "tests/tools/prop.h"
#include "tests/unit/overlay-fuse/tar_make.h"

#include <string.h>
#include <sys/sysmacros.h>

/* --- a tar in the making ------------------------------------------------------------------ */

struct tar {
    struct tar_entry *v;
    size_t n, cap;
    struct strv strings; /* what the entries point at */
    void **blocks;
    size_t n_blocks, cap_blocks;
};

static void tar_done(struct tar *t)
{
    for (size_t i = 0; i < t->n_blocks; i++)
        free(t->blocks[i]);
    free(t->blocks);
    free(t->v);
    strv_done(&t->strings);
}
DEFINE_AUTO(tar, tar_done)

static const char *keep_string(struct tar *t, char *s)
{
    strv_add_owned(&t->strings, s);
    return s;
}

static void *keep_block(struct tar *t, void *p)
{
    grow_array(t->blocks, t->n_blocks, t->cap_blocks);
    return t->blocks[t->n_blocks++] = p;
}

static struct tar_entry *add(struct tar *t, mode_t mode, const char *path)
{
    grow_array(t->v, t->n, t->cap);
    t->v[t->n] = (struct tar_entry){.mode = mode, .path = keep_string(t, xstrdup(path))};
    return &t->v[t->n++];
}

static void put_on_top(struct world *w, const struct overlay_layer_files *files)
{
    memmove(w->layers + 1, w->layers, MAX_LAYERS * sizeof(*w->layers));
    w->layers[0] = *files;
}

static void save(struct world *w, const struct tar *t)
{
    struct err err = {0};
    auto_buf data = {0};
    auto_free char *tar = xasprintf("%u.tar", w->n_made), *index = xasprintf("%u.index", w->n_made);
    w->n_made++;
    if (tar_make(t->v, t->n, &data, &err) < 0 || tar_save(w->fd, tar, data.data, data.len) < 0 ||
        tar_index(w->fd, tar, index, &err) < 0)
        prop_fail(w, "make a layer: %s", err.message);
    put_on_top(w, &(struct overlay_layer_files){.tar = xasprintf("%s/%s", w->path, tar),
                                                .index = xasprintf("%s/%s", w->path, index)});
}

/* --- a random tree ------------------------------------------------------------------------ */

static void collect_layer(struct obj *dir, struct obj **dirs, size_t *n_dirs, struct pos *files,
                          size_t *n_files, size_t max)
{
    if (*n_dirs < max)
        dirs[(*n_dirs)++] = dir;
    for (int i = 0; i < N_NAMES; i++) {
        struct obj *o = dir->child[i];
        if (o && obj_is_dir(o))
            collect_layer(o, dirs, n_dirs, files, n_files, max);
        else if (o && *n_files < max)
            files[(*n_files)++] = (struct pos){dir, i};
    }
}

static void grow_layer(struct world *w, struct obj *layer)
{
    enum { MAX = 200 };
    struct obj *dirs[MAX];
    struct pos files[MAX];
    size_t n_dirs = 0, n_files = 0;
    collect_layer(layer, dirs, &n_dirs, files, &n_files, MAX);
    struct obj *dir = dirs[prop_below(w, (uint32_t)n_dirs)];
    int name = (int)prop_below(w, N_NAMES);
    if (prop_chance(w, 12)) {
        dir->whiteout[name] = true;
    } else if (prop_chance(w, 5)) {
        dir->opaque = true;
    } else if (dir->child[name]) {
        return;
    } else if (n_files && !w->no_links && prop_chance(w, 20)) {
        const struct pos *p = &files[prop_below(w, (uint32_t)n_files)];
        obj_attach(dir, name, p->dir->child[p->name]);
    } else {
        mode_t type = obj_random_type(w);
        if (type == S_IFSOCK || (type == S_IFDIR && obj_depth(dir) >= 6))
            type = S_IFREG;
        struct obj *o = obj_new(type);
        if (type == S_IFDIR && prop_chance(w, 30)) {
            o->implicit = true;
            o->mode |= 0755;
        } else {
            obj_randomize(w, o);
        }
        obj_attach(dir, name, o);
    }
}

/* A directory that no entry of the tar mentions is not in the layer. */
static bool prune(struct world *w, struct obj *dir)
{
    bool used = !dir->implicit || dir->opaque;
    for (int i = 0; i < N_NAMES; i++) {
        struct obj *o = dir->child[i];
        if (o && obj_is_dir(o) && !prune(w, o))
            obj_detach(w, dir, i);
        used |= dir->child[i] || dir->whiteout[i];
    }
    return used;
}

/* --- into the tar ------------------------------------------------------------------------- */

static const struct tar_xattr *emit_xattrs(struct tar *t, const struct obj *o)
{
    size_t n = 0;
    struct tar_xattr *x = keep_block(t, xcalloc(N_XATTRS + 1, sizeof(*x)));
    for (int i = 0; i < N_XATTRS; i++)
        if (o->xattrs[i].set)
            x[n++] =
                (struct tar_xattr){prop_xattrs[i], keep_string(t, xstrdup(o->xattrs[i].value))};
    return x;
}

/* Blocks of zeros become holes, if there are any. */
static const struct tar_run *emit_runs(struct tar *t, const struct obj *o)
{
    size_t n = 0;
    struct tar_run *r = keep_block(t, xcalloc(o->len / 64 + 2, sizeof(*r)));
    for (size_t at = 0; at < o->len; at += 64) {
        static const char zeros[64];
        size_t len = o->len - at < 64 ? o->len - at : 64;
        if (memcmp(o->data + at, zeros, len) == 0)
            continue;
        if (n && r[n - 1].start + r[n - 1].len == (int64_t)at)
            r[n - 1].len += (int64_t)len;
        else
            r[n++] = (struct tar_run){(int64_t)at, (int64_t)len};
    }
    return n ? r : NULL;
}

static void emit_object(struct world *w, struct tar *t, struct obj *o, const char *path)
{
    if (o->merged) {
        add(t, 0, path)->target = (const char *)o->merged;
        return;
    }
    struct tar_entry *e = add(t, o->mode, path);
    e->uid = o->uid;
    e->gid = o->gid;
    e->major = major(o->rdev);
    e->minor = minor(o->rdev);
    e->mtime = o->mtime;
    e->xattrs = emit_xattrs(t, o);
    if (S_ISLNK(o->mode))
        e->target = o->data;
    else if (S_ISREG(o->mode))
        e->data = o->data;
    e->len = S_ISREG(o->mode) ? o->len : 0;
    /* libarchive shortens the long name of a sparse file when it writes it. */
    if (S_ISREG(o->mode) && strlen(path) < 100 && prop_chance(w, 30))
        e->runs = emit_runs(t, o);
    if (!obj_is_dir(o)) /* until the merge: the path that other names are linked to */
        o->merged = (struct obj *)e->path;
}

static void emit_marks(struct tar *t, const struct obj *dir, const char *path)
{
    for (int i = 0; i < N_NAMES; i++) {
        auto_free char *mark = xasprintf("%s.wh.%s", path, prop_names[i]);
        if (dir->whiteout[i])
            add(t, S_IFREG | 0600, mark);
    }
    auto_free char *mark = xasprintf("%s.wh..wh..opq", path);
    if (dir->opaque)
        add(t, S_IFREG | 0600, mark);
}

static void emit(struct world *w, struct tar *t, struct obj *dir, const char *path)
{
    bool late = prop_chance(w, 25);
    if (!dir->implicit)
        emit_object(w, t, dir, path);
    if (!late)
        emit_marks(t, dir, path);
    for (int i = 0; i < N_NAMES; i++) {
        struct obj *o = dir->child[i];
        if (!o)
            continue;
        auto_free char *child = xasprintf("%s%s%s", path, prop_names[i], obj_is_dir(o) ? "/" : "");
        if (obj_is_dir(o))
            emit(w, t, o, child);
        else
            emit_object(w, t, o, child);
    }
    if (late)
        emit_marks(t, dir, path);
}

/* --- into the model ----------------------------------------------------------------------- */

static void forget_paths(struct obj *dir)
{
    for (int i = 0; i < N_NAMES; i++) {
        if (dir->child[i] && obj_is_dir(dir->child[i]))
            forget_paths(dir->child[i]);
        else if (dir->child[i])
            dir->child[i]->merged = NULL;
    }
}

static void set_attributes(struct obj *to, const struct obj *from)
{
    to->mode = from->mode;
    to->uid = from->uid;
    to->gid = from->gid;
    to->mtime = from->mtime;
    memcpy(to->xattrs, from->xattrs, sizeof(to->xattrs));
}

/* What stands in the image specification about layers, said a second time. */
static void merge(struct world *w, struct obj *to, const struct obj *layer)
{
    if (layer->opaque)
        for (int i = 0; i < N_NAMES; i++)
            obj_detach(w, to, i);
    if (!layer->implicit || layer->opaque)
        set_attributes(to, layer);
    for (int i = 0; i < N_NAMES; i++) {
        struct obj *o = layer->child[i];
        if (layer->whiteout[i] || (o && !obj_is_dir(o)))
            obj_detach(w, to, i);
        if (!o)
            continue;
        if (!obj_is_dir(o)) {
            if (!o->merged)
                o->merged = obj_copy(o);
            obj_attach(to, i, o->merged);
            continue;
        }
        if (to->child[i] && !obj_is_dir(to->child[i]))
            obj_detach(w, to, i);
        if (!to->child[i])
            obj_attach(to, i, obj_new(S_IFDIR | 0755));
        merge(w, to->child[i], o);
    }
}

void layers_add_random(struct world *w)
{
    auto_done(tar) struct tar t = {0};
    struct obj *layer = obj_new(S_IFDIR);
    if (prop_chance(w, 50)) {
        obj_randomize(w, layer);
    } else {
        layer->implicit = true;
        layer->mode |= 0755;
    }
    for (uint32_t n = 5 + prop_below(w, 50); n > 0; n--)
        grow_layer(w, layer);
    prune(w, layer);
    emit(w, &t, layer, "./");
    save(w, &t);
    w->options.n_layers++;
    forget_paths(layer);
    merge(w, w->root, layer);
    obj_free_tree(layer);
}

/* --- what changed ------------------------------------------------------------------------- */

struct commit {
    struct world *w;
    struct tar tar;
};

static int commit_one(void *arg, const struct overlay_change *c, struct err *err)
{
    struct commit *t = arg;
    const char *path = *c->path ? c->path : ".";
    bool socket = c->kind == OVERLAY_ENTRY && S_ISSOCK(c->st.st_mode);
    if (c->kind == OVERLAY_WHITEOUT || (socket && c->in_lower)) {
        const char *slash = strrchr(path, '/');
        auto_free char *mark = xasprintf("%.*s.wh.%s", slash ? (int)(slash - path) + 1 : 0, path,
                                         slash ? slash + 1 : path);
        add(&t->tar, S_IFREG | 0600, mark);
        return 0;
    }
    if (socket)
        return 0;
    struct tar_entry *e = add(&t->tar, c->hard_link ? 0 : c->st.st_mode, path);
    e->uid = c->st.st_uid;
    e->gid = c->st.st_gid;
    e->major = major(c->st.st_rdev);
    e->minor = minor(c->st.st_rdev);
    e->mtime = c->st.st_mtim;
    const char *target = c->hard_link ? c->hard_link : c->link;
    e->target = target ? keep_string(&t->tar, xstrdup(target)) : NULL;
    struct tar_xattr *x = keep_block(&t->tar, xcalloc(c->n_xattrs + 1, sizeof(*x)));
    for (size_t i = 0; i < c->n_xattrs; i++)
        x[i] = (struct tar_xattr){
            keep_string(&t->tar, xstrdup(c->xattrs[i].name)),
            keep_string(&t->tar, xstrndup(c->xattrs[i].value, c->xattrs[i].len))};
    e->xattrs = x;
    if (S_ISREG(c->st.st_mode) && !c->hard_link) {
        char *data = keep_block(&t->tar, xcalloc((size_t)c->st.st_size + 1, 1));
        e->len = (size_t)c->st.st_size;
        e->data = data;
        if (overlay_change_read(c, data, e->len, 0) != (ssize_t)e->len)
            prop_fail(t->w, "read the change %s", path);
    }
    auto_free char *mark = xasprintf("%s/.wh..wh..opq", path);
    if (c->opaque)
        add(&t->tar, S_IFREG | 0600, mark);
    return 0;
}

void layers_commit(struct world *w)
{
    struct commit c = {.w = w};
    struct err err = {0};
    if (w->real) { /* others use the upper directory itself as a layer */
        put_on_top(w, &(struct overlay_layer_files){.dir = xstrdup(w->options.upper)});
        return;
    }
    if (overlay_changes(&w->options, commit_one, &c, &err) < 0)
        prop_fail(w, "changes: %s", err.message);
    save(w, &c.tar);
    tar_done(&c.tar);
}
