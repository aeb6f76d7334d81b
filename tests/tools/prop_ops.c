/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations on the overlay and the model. */
#include "base/alloc.h"
#include "tests/tools/prop.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE  (1 << 1)
#endif

enum { MAX_OBJECTS = 120, MAX_DEPTH = 8 };

__attribute__((format(printf, 2, 3))) static void describe(struct world *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->op, sizeof(w->op), fmt, ap);
    va_end(ap);
    if (w->verbose)
        fprintf(stderr, "%llu: %s\n", (unsigned long long)w->n_ops, w->op);
}

/* The path of a name, until the next call but three. */
static const char *path_of(const struct obj *dir, int name)
{
    static char room[4][4096];
    static unsigned next;
    auto_buf path = {0};
    obj_path(dir, name, &path);
    char *p = room[next++ % 4];
    snprintf(p, sizeof(room[0]), "%s", path.len ? path.data : "/");
    for (char *n; (n = strstr(p, "nnnnn"));)
        memmove(n + 1, n + 4, strlen(n + 4) + 1);
    return p;
}

static void want(const struct world *w, long long got, long long wanted)
{
    if (got != wanted)
        prop_fail(w, "returned %lld, not %lld", got, wanted);
}

/* --- finding ------------------------------------------------------------------------------ */

static struct node *node_of_dir(struct world *w, const struct obj *dir)
{
    if (!dir->parent)
        return node_ref(w->ov->root);
    auto_node up = {w->ov, node_of_dir(w, dir->parent)};
    struct node *n;
    const char *name = prop_names[dir->name];
    want(w, node_lookup(w->ov, up.n, name, strlen(name), &n), 0);
    return n;
}

static struct node *node_of(struct world *w, struct pos p)
{
    auto_node dir = {w->ov, node_of_dir(w, p.dir)};
    struct node *n;
    const struct obj *o = p.dir->child[p.name];
    const char *name = prop_names[p.name];
    want(w, node_lookup(w->ov, dir.n, name, strlen(name), &n), 0);
    if (o->holds && n->id != o->node_id)
        prop_fail(w, "%s is another node than the one that we hold", path_of(p.dir, p.name));
    return n;
}

struct target {
    struct obj *o;
    struct node *n;
    const char *path;
};

/* Any object that fits: by a name, by what we hold of it, or an unlinked one. */
static bool pick(struct world *w, bool (*fits)(const struct obj *o), struct target *ret)
{
    for (int i = 0; i < 8; i++) {
        if (w->orphans && prop_chance(w, 25)) {
            struct obj *o = w->orphans;
            for (uint32_t skip = prop_below(w, 4); skip && o->next_orphan; skip--)
                o = o->next_orphan;
            struct node *n = node_by_id(w->ov, o->node_id);
            if (!n)
                prop_fail(w, "an unlinked object that we hold is gone");
            if (!fits(o))
                continue;
            *ret = (struct target){o, node_ref(n), "(unlinked)"};
            return true;
        }
        if (!w->n_all)
            return false;
        struct pos p = w->all[prop_below(w, (uint32_t)w->n_all)];
        struct obj *o = p.dir->child[p.name];
        if (!fits(o))
            continue;
        struct node *n = o->holds && prop_chance(w, 50) ? node_by_id(w->ov, o->node_id) : NULL;
        *ret = (struct target){o, n ? node_ref(n) : node_of(w, p), path_of(p.dir, p.name)};
        return true;
    }
    return false;
}

static bool is_any(const struct obj *o)
{
    return true;
}

static bool is_file(const struct obj *o)
{
    return S_ISREG(o->mode);
}

static bool has_mode(const struct obj *o)
{
    return !S_ISLNK(o->mode);
}

/* An unlinked link can get no owner: nobody could see it. */
static bool is_no_lost_link(const struct obj *o)
{
    return o->names || !S_ISLNK(o->mode);
}

static struct pos any_place(struct world *w)
{
    return (struct pos){w->dirs[prop_below(w, (uint32_t)w->n_dirs)], (int)prop_below(w, N_NAMES)};
}

/* A name that exists, mostly. */
static struct pos any_pos(struct world *w)
{
    return w->n_all && prop_chance(w, 90) ? w->all[prop_below(w, (uint32_t)w->n_all)]
                                          : any_place(w);
}

static void touched(struct obj *o)
{
    o->mtime_known = false;
}

/* --- names -------------------------------------------------------------------------------- */

static struct make as_make(const struct obj *o, bool timed)
{
    return (struct make){.mode = o->mode,
                         .uid = o->uid,
                         .gid = o->gid,
                         .rdev = o->rdev,
                         .target = o->data,
                         .mtime = timed ? &o->mtime : NULL,
                         .data_fd = -1};
}

static struct obj *random_object(struct world *w, bool timed)
{
    struct obj *o = obj_new(obj_random_type(w));
    obj_randomize(w, o);
    memset(o->xattrs, 0, sizeof(o->xattrs));
    if (S_ISREG(o->mode))
        obj_resize(o, 0);
    o->mtime_known = timed;
    return o;
}

static void op_make(struct world *w)
{
    struct pos p = any_place(w);
    bool timed = prop_chance(w, 30), put = prop_chance(w, 20);
    struct obj *o = random_object(w, timed), *old = p.dir->child[p.name];
    if (w->n_all > MAX_OBJECTS || obj_depth(p.dir) >= MAX_DEPTH || (put && obj_is_dir(o))) {
        obj_free(o);
        return;
    }
    describe(w, "%s %s mode %o of %u:%u", put ? "put" : "make", path_of(p.dir, p.name), o->mode,
             o->uid, o->gid);
    auto_node dir = {w->ov, node_of_dir(w, p.dir)}, n = {w->ov, NULL};
    struct make m = as_make(o, timed);
    int r = put ? node_put(w->ov, dir.n, prop_names[p.name], &m, &n.n)
                : node_make(w->ov, dir.n, prop_names[p.name], &m, &n.n);
    if (old && (!put || obj_is_dir(old))) {
        want(w, r, put ? -EISDIR : -EEXIST);
        obj_free(o);
        return;
    }
    want(w, r, 0);
    obj_detach(w, p.dir, p.name);
    obj_attach(p.dir, p.name, o);
    touched(p.dir);
}

static void op_link(struct world *w)
{
    struct target t;
    struct pos p = any_place(w);
    if (w->no_links || !pick(w, is_any, &t))
        return;
    auto_node n = {w->ov, t.n}, dir = {w->ov, node_of_dir(w, p.dir)};
    describe(w, "link %s to %s", t.path, path_of(p.dir, p.name));
    int r = node_link(w->ov, n.n, dir.n, prop_names[p.name]);
    int wanted = p.dir->child[p.name] ? -EEXIST
                 : obj_is_dir(t.o)    ? -EPERM
                 : t.o->names == 0    ? -ENOENT
                                      : 0;
    want(w, r, wanted);
    if (r == 0) {
        obj_attach(p.dir, p.name, t.o);
        touched(p.dir);
    }
}

static int remove_wanted(const struct obj *o, enum remove_what what)
{
    if (!o)
        return -ENOENT;
    if (!obj_is_dir(o))
        return what == REMOVE_DIR ? -ENOTDIR : 0;
    return what == REMOVE_FILE ? -EISDIR : obj_is_empty(o) ? 0 : -ENOTEMPTY;
}

static void op_remove(struct world *w)
{
    struct pos p = any_pos(w);
    struct obj *o = p.dir->child[p.name];
    enum remove_what what = o && obj_is_dir(o) ? REMOVE_DIR : REMOVE_FILE;
    if (prop_chance(w, 15))
        what = (enum remove_what)prop_below(w, 3);
    auto_node dir = {w->ov, node_of_dir(w, p.dir)};
    describe(w, "remove %s (%d)", path_of(p.dir, p.name), what);
    int r = node_remove(w->ov, dir.n, prop_names[p.name], what);
    want(w, r, remove_wanted(o, what));
    if (r == 0) {
        obj_detach(w, p.dir, p.name);
        touched(p.dir);
    }
}

static void remove_below(struct world *w, struct obj *dir)
{
    auto_node n = {w->ov, node_of_dir(w, dir)};
    for (int i = 0; i < N_NAMES; i++) {
        if (!dir->child[i])
            continue;
        if (obj_is_dir(dir->child[i]))
            remove_below(w, dir->child[i]);
        describe(w, "remove %s (rm -r)", path_of(dir, i));
        want(w, node_remove(w->ov, n.n, prop_names[i], REMOVE_ANY), 0);
        obj_detach(w, dir, i);
        touched(dir);
    }
}

static void op_remove_tree(struct world *w)
{
    remove_below(w, w->dirs[prop_below(w, (uint32_t)w->n_dirs)]);
}

static int rename_wanted(const struct obj *a, const struct obj *b, unsigned flags)
{
    if (!a)
        return -ENOENT;
    if (flags & RENAME_EXCHANGE)
        return b ? 0 : -ENOENT;
    if (!b)
        return 0;
    if (flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (obj_is_dir(a) != obj_is_dir(b))
        return obj_is_dir(b) ? -EISDIR : -ENOTDIR;
    return a == b || !obj_is_dir(b) || obj_is_empty(b) ? 0 : -ENOTEMPTY;
}

static unsigned height(const struct obj *o)
{
    unsigned max = 0;
    for (int i = 0; i < N_NAMES && obj_is_dir(o); i++) {
        unsigned h = o->child[i] ? height(o->child[i]) : 0;
        max = h > max ? h : max;
    }
    return obj_is_dir(o) ? max + 1 : 0;
}

/* The names changed places, or one went to the other's. */
static void move(struct world *w, struct pos from, struct pos to, bool exchange)
{
    struct obj *a = from.dir->child[from.name], *b = to.dir->child[to.name];
    touched(from.dir);
    touched(to.dir);
    if (!exchange)
        obj_detach(w, to.dir, to.name);
    from.dir->child[from.name] = to.dir->child[to.name] = NULL;
    a->names--;
    obj_attach(to.dir, to.name, a);
    if (exchange) {
        b->names--;
        obj_attach(from.dir, from.name, b);
    }
}

static void op_rename(struct world *w)
{
    static const unsigned choices[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
    unsigned flags = choices[prop_below(w, 4)];
    struct pos from = any_pos(w);
    struct pos to = flags & RENAME_EXCHANGE || prop_chance(w, 40) ? any_pos(w) : any_place(w);
    struct obj *a = from.dir->child[from.name], *b = to.dir->child[to.name];
    /* The kernel itself refuses to put a directory into itself, or over what it is in. */
    if ((a && obj_is_dir(a) && obj_above(a, to.dir)) ||
        (b && obj_is_dir(b) && obj_above(b, from.dir)))
        return;
    if ((a && obj_depth(to.dir) + height(a) > MAX_DEPTH) ||
        (b && obj_depth(from.dir) + height(b) > MAX_DEPTH))
        return;
    auto_node f = {w->ov, node_of_dir(w, from.dir)}, t = {w->ov, node_of_dir(w, to.dir)};
    describe(w, "rename %s to %s flags %u", path_of(from.dir, from.name), path_of(to.dir, to.name),
             flags);
    int r = node_rename(w->ov, f.n, prop_names[from.name], t.n, prop_names[to.name], flags);
    want(w, r, rename_wanted(a, b, flags));
    if (r == 0 && a != b)
        move(w, from, to, flags & RENAME_EXCHANGE);
}

/* --- attributes --------------------------------------------------------------------------- */

static void op_chmod(struct world *w)
{
    struct target t;
    mode_t mode = prop_below(w, 010000);
    if (!pick(w, has_mode, &t))
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "chmod %o %s", mode, t.path);
    want(w, node_chmod(w->ov, n.n, mode), 0);
    t.o->mode = (t.o->mode & S_IFMT) | mode;
}

static void op_chown(struct world *w)
{
    struct target t;
    uid_t uid = prop_chance(w, 20) ? (uid_t)-1 : prop_below(w, 3) * 1000;
    gid_t gid = prop_chance(w, 20) ? (gid_t)-1 : prop_below(w, 3) * 70000;
    if (!pick(w, is_no_lost_link, &t))
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "chown %d:%d %s", (int)uid, (int)gid, t.path);
    want(w, node_chown(w->ov, n.n, uid, gid), 0);
    if (uid != (uid_t)-1)
        t.o->uid = uid;
    if (gid != (gid_t)-1)
        t.o->gid = gid;
}

static void op_utimens(struct world *w)
{
    struct target t;
    struct timespec times[2] = {prop_random_time(w), prop_random_time(w)};
    if (prop_chance(w, 20))
        times[1].tv_nsec = UTIME_OMIT;
    if (!pick(w, is_any, &t))
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "utimens %s", t.path);
    want(w, node_utimens(w->ov, n.n, times), 0);
    if (times[1].tv_nsec == UTIME_OMIT)
        return;
    t.o->mtime = times[1];
    t.o->mtime_known = true;
}

static int set_wanted(const struct obj *o, int x, int flags)
{
    if (flags & XATTR_CREATE && o->xattrs[x].set)
        return -EEXIST;
    return flags & XATTR_REPLACE && !o->xattrs[x].set ? -ENODATA : 0;
}

static void op_setxattr(struct world *w)
{
    static const int choices[] = {0, 0, XATTR_CREATE, XATTR_REPLACE};
    struct target t;
    char value[XATTR_ROOM];
    int x = (int)prop_below(w, prop_n_xattrs(w)), flags = choices[prop_below(w, 4)];
    if (!prop_n_xattrs(w) || !pick(w, is_no_lost_link, &t))
        return;
    auto_node n = {w->ov, t.n};
    /* The kernel lets nothing but files and directories have user attributes. */
    if (!S_ISREG(t.o->mode) && !obj_is_dir(t.o) && strncmp(prop_xattrs[x], "user.", 5) == 0)
        return;
    snprintf(value, sizeof(value), "w%u", prop_below(w, 1000));
    if (prop_chance(w, 10))
        *value = 0;
    describe(w, "setxattr %s=%s of %s flags %d", prop_xattrs[x], value, t.path, flags);
    int r = node_setxattr(w->ov, n.n, prop_xattrs[x], value, strlen(value), flags);
    want(w, r, set_wanted(t.o, x, flags));
    if (r == 0) {
        t.o->xattrs[x].set = true;
        strcpy(t.o->xattrs[x].value, value);
    }
}

static void op_removexattr(struct world *w)
{
    struct target t;
    int x = (int)prop_below(w, prop_n_xattrs(w));
    if (!prop_n_xattrs(w) || !pick(w, is_no_lost_link, &t))
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "removexattr %s of %s", prop_xattrs[x], t.path);
    want(w, node_removexattr(w->ov, n.n, prop_xattrs[x]), t.o->xattrs[x].set ? 0 : -ENODATA);
    t.o->xattrs[x].set = false;
}

/* --- data --------------------------------------------------------------------------------- */

static void kill_privileges(struct obj *o, bool of_group)
{
    o->mode &= ~(mode_t)S_ISUID;
    if ((o->mode & S_IXGRP) || !of_group)
        o->mode &= ~(mode_t)S_ISGID;
}

static void op_write(struct world *w)
{
    struct target t;
    char data[3000];
    if (!pick(w, is_file, &t))
        return;
    auto_node n = {w->ov, t.n};
    size_t at = prop_below(w, (uint32_t)t.o->len + 100), len = 1 + prop_below(w, sizeof(data) - 1);
    if (at + len > MAX_DATA)
        return;
    memset(data, (int)prop_below(w, 256), len);
    describe(w, "write %zu bytes at %zu of %s", len, at, t.path);
    want(w, node_write(w->ov, n.n, data, len, at), (ssize_t)len);
    if (at + len > t.o->len)
        obj_resize(t.o, at + len);
    memcpy(t.o->data + at, data, len);
    touched(t.o);
    if (prop_chance(w, 50))
        return;
    bool of_group = prop_chance(w, 50);
    want(w, node_kill_privileges(w->ov, n.n, of_group), 0);
    kill_privileges(t.o, of_group);
}

static void op_truncate(struct world *w)
{
    struct target t;
    uint32_t size = prop_chance(w, 30) ? 0 : prop_below(w, prop_chance(w, 50) ? 600 : MAX_DATA);
    if (!pick(w, is_any, &t))
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "truncate %s to %u", t.path, size);
    int r = node_truncate(w->ov, n.n, size);
    want(w, r, S_ISREG(t.o->mode) ? 0 : obj_is_dir(t.o) ? -EISDIR : -EINVAL);
    if (r < 0)
        return;
    obj_resize(t.o, size);
    touched(t.o);
}

static void op_allocate(struct world *w)
{
    static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_ZERO_RANGE};
    struct target t;
    int mode = modes[prop_below(w, 4)];
    size_t at = prop_below(w, 20000), len = 1 + prop_below(w, 8000);
    if (!pick(w, is_file, &t))
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "allocate mode %d, %zu bytes at %zu of %s", mode, len, at, t.path);
    int r = node_allocate(w->ov, n.n, mode, (off_t)at, (off_t)len);
    if (r == -EOPNOTSUPP && (mode == FALLOC_FL_ZERO_RANGE || w->no_allocate))
        return; /* tmpfs, ramfs */
    want(w, r, 0);
    if (at + len > t.o->len && !(mode & FALLOC_FL_KEEP_SIZE))
        obj_resize(t.o, at + len);
    if (mode & ~FALLOC_FL_KEEP_SIZE && at < t.o->len)
        memset(t.o->data + at, 0, at + len < t.o->len ? len : t.o->len - at);
    touched(t.o);
}

static void op_copy_range(struct world *w)
{
    struct target a, b;
    if (!pick(w, is_file, &a))
        return;
    auto_node from = {w->ov, a.n};
    if (!pick(w, is_file, &b))
        return;
    auto_node to = {w->ov, b.n};
    size_t at = prop_below(w, (uint32_t)a.o->len + 20), len = 1 + prop_below(w, 4000);
    size_t to_at = prop_below(w, (uint32_t)b.o->len + 20);
    if (a.o == b.o || to_at + len > MAX_DATA)
        return;
    describe(w, "copy %zu bytes at %zu of %s to %zu of %s", len, at, a.path, to_at, b.path);
    ssize_t r = node_copy_range(w->ov, from.n, (off_t)at, to.n, (off_t)to_at, len);
    size_t left = at < a.o->len ? a.o->len - at : 0;
    if (left < len)
        len = left;
    if (r == -EOPNOTSUPP || r == -EXDEV)
        return; /* the kernel falls back to reading and writing */
    if (r > (ssize_t)len || r < 0 || (r == 0 && len))
        prop_fail(w, "returned %zd, of %zu", r, len);
    if (r == 0)
        return;
    if (to_at + (size_t)r > b.o->len)
        obj_resize(b.o, to_at + (size_t)r);
    memcpy(b.o->data + to_at, a.o->data + at, (size_t)r);
    touched(b.o);
}

static void op_sync(struct world *w)
{
    struct target t;
    if (!prop_chance(w, 10) || !pick(w, is_any, &t)) /* a disk is slow */
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "sync %s", t.path);
    want(w, node_sync(w->ov, n.n, prop_chance(w, 50)), 0);
}

/* --- the kernel's memory ------------------------------------------------------------------ */

static void op_hold(struct world *w)
{
    struct target t;
    if (!pick(w, is_any, &t))
        return;
    auto_node n = {w->ov, t.n};
    describe(w, "look up %s", t.path);
    n.n->nlookup++;
    t.o->holds++;
    t.o->node_id = n.n->id;
}

static void forget(struct world *w, struct obj *o, uint64_t count)
{
    struct node *n = node_by_id(w->ov, o->node_id);
    if (!n)
        prop_fail(w, "what we hold is gone");
    node_forget(w->ov, n, count);
    o->holds -= count;
}

static void forget_orphan(struct world *w, struct obj **at)
{
    struct obj *o = *at;
    forget(w, o, o->holds);
    *at = o->next_orphan;
    obj_free(o);
}

static void op_forget(struct world *w)
{
    if (w->orphans && prop_chance(w, 50)) {
        struct obj **at = &w->orphans;
        for (uint32_t skip = prop_below(w, 4); skip && (*at)->next_orphan; skip--)
            at = &(*at)->next_orphan;
        describe(w, "forget an unlinked object");
        forget_orphan(w, at);
        return;
    }
    struct pos p = any_pos(w);
    struct obj *o = p.dir->child[p.name];
    if (!o || !o->holds)
        return;
    describe(w, "forget %s", path_of(p.dir, p.name));
    forget(w, o, 1 + prop_below(w, (uint32_t)o->holds));
}

void ops_forget_all(struct world *w)
{
    prop_collect(w);
    describe(w, "forget everything");
    while (w->orphans)
        forget_orphan(w, &w->orphans);
    for (size_t i = 0; i < w->n_all; i++) {
        struct obj *o = w->all[i].dir->child[w->all[i].name];
        if (o->holds)
            forget(w, o, o->holds);
    }
}

/* --- which -------------------------------------------------------------------------------- */

void ops_random(struct world *w)
{
    static const struct {
        void (*fn)(struct world *w);
        unsigned weight;
    } ops[] = {{op_make, 22},       {op_link, 8},   {op_remove, 14},  {op_rename, 18},
               {op_chmod, 6},       {op_chown, 6},  {op_utimens, 5},  {op_setxattr, 6},
               {op_removexattr, 3}, {op_write, 10}, {op_truncate, 5}, {op_allocate, 4},
               {op_copy_range, 5},  {op_sync, 1},   {op_hold, 14},    {op_forget, 10}};
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
        sum += ops[i].weight;
    prop_collect(w);
    if (prop_below(w, 1000) < 3) {
        op_remove_tree(w);
        return;
    }
    if (w->n_all > MAX_OBJECTS && prop_chance(w, 30)) {
        op_remove(w);
        return;
    }
    unsigned at = prop_below(w, sum);
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
        if (at < ops[i].weight) {
            ops[i].fn(w);
            return;
        }
        at -= ops[i].weight;
    }
}
