/* SPDX-License-Identifier: Apache-2.0 */
/* A layer that is a directory.
 *
 * Theory of operation. It shows itself through the same tables as an index, which are filled as
 * directories are looked into: all of a directory's names, sorted and side by side, with what
 * stat() says of each; targets of links and extended attributes when somebody asks. The tables lie
 * in address space that is set aside once and gets memory as it is used, so they grow without
 * moving and every pointer into them stays good. What a name means follows overlayfs and
 * fuse-overlayfs: a character device 0:0 or ".wh.NAME" hides NAME in the layers below,
 * ".wh..wh..opq" or an "opaque" attribute hides a whole directory. If the layer's root has an
 * override_stat, so may everything in it: owners, modes and kinds are those (upper.h). Nobody else
 * may change the directory meanwhile. */
#include "overlay-fuse/layer_tree.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "overlay-fuse/idmap.h"
#include "overlay-fuse/upper.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define MAX_INODES  (UINT32_C(1) << 26)
#define MAX_ENTRIES (UINT32_C(1) << 26)
#define MAX_XATTRS  (UINT32_C(1) << 22)
#define MAX_HEAP    (UINT64_C(1) << 32)
#define N_FILES     64 /* descriptors that are kept open, at most */

#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* What the tables have no room for. */
struct extra {
    uint64_t ino;
    bool entries, target, xattrs; /* have been read */
    bool opaque;                  /* by a mark among its entries */
    bool typed;                   /* a regular file that stands for another kind */
};

struct layer_tree {
    struct index_header header;
    int root_fd;
    dev_t dev;
    bool overrides;      /* see above */
    struct idmap by_ino; /* number on disk → inode + 1, of files with several names */
    struct extra *extra; /* by inode */
    struct index_inode *inodes;
    struct index_entry *entries;
    struct index_xattr *xattrs;
    char *heap;
    size_t n_files; /* of those that follow, as many are in use */
    struct {
        uint32_t inode;
        int fd;
    } files[N_FILES];
};

static struct layer_tree *tree_of(const struct layer *l)
{
    return l->tree;
}

/* Memory that comes when it is touched. */
static void *reserve(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void release(const void *p, uint64_t bytes)
{
    if (p)
        munmap((void *)p, bytes);
}

static int add_bytes(struct layer_tree *t, const void *p, size_t len, uint32_t *ret)
{
    if (len > MAX_HEAP - 1 - t->header.heap.count)
        return -ENOSPC;
    memcpy(t->heap + t->header.heap.count, p, len);
    *ret = (uint32_t)t->header.heap.count;
    t->header.heap.count += len;
    return 0;
}

/* --- places ------------------------------------------------------------------------------- */

/* The path of an object below the layer's root. */
static int locate(const struct layer *l, uint32_t inode, struct upath *ret)
{
    const struct layer_tree *t = tree_of(l);
    upath_start(ret, NULL);
    while (inode != 0) {
        const struct index_entry *e = &t->entries[t->inodes[inode].entry];
        int r = upath_prepend(ret, t->heap + e->name, e->len);
        if (r < 0)
            return r;
        inode = e->dir;
    }
    upath_done(ret, t->root_fd);
    return 0;
}

int layer_tree_root(const struct layer *l)
{
    return tree_of(l)->root_fd;
}

uint64_t layer_tree_ino(const struct layer *l, uint32_t inode)
{
    return tree_of(l)->extra[inode].ino;
}

void layer_tree_limit(const struct layer *l, size_t files)
{
    tree_of(l)->n_files = files < 1 ? 1 : files < N_FILES ? files : N_FILES;
}

int layer_tree_file(const struct layer *l, uint32_t inode)
{
    struct layer_tree *t = tree_of(l);
    size_t slot = inode % t->n_files;
    if (t->files[slot].fd >= 0 && t->files[slot].inode == inode)
        return t->files[slot].fd;
    struct upath p;
    int r = locate(l, inode, &p);
    if (r < 0)
        return r;
    int fd = openat(p.dirfd, p.rel, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    close_fd(&t->files[slot].fd);
    t->files[slot].inode = inode;
    t->files[slot].fd = fd;
    return fd;
}

/* --- filling the tables ------------------------------------------------------------------- */

/* Numbers of one file system are told apart by themselves; of another one, by its device too. */
static uint64_t number(const struct layer_tree *t, const struct stat *st)
{
    uint64_t ino = st->st_ino;
    if (st->st_dev != t->dev)
        ino ^= (uint64_t)st->st_dev * UINT64_C(0x9e3779b97f4a7c15);
    return (ino & ((UINT64_C(1) << 61) - 1)) | UINT64_C(1) << 61;
}

static void fill_inode(struct layer_tree *t, uint32_t i, const struct stat *st, uint32_t entry)
{
    t->inodes[i] = (struct index_inode){
        .size = (uint64_t)st->st_size,
        .mtime_sec = st->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
        .mode = st->st_mode,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .dev_major = major(st->st_rdev),
        .dev_minor = minor(st->st_rdev),
        .nlink = (uint32_t)st->st_nlink,
        .entry = entry,
    };
    t->extra[i] = (struct extra){.ino = number(t, st)};
}

static int add_inode(struct layer_tree *t, const struct stat *st, uint32_t entry, uint32_t *ret)
{
    bool several = !S_ISDIR(st->st_mode) && st->st_nlink > 1;
    uint64_t key = number(t, st);
    void *known = several ? idmap_get(&t->by_ino, key) : NULL;
    if (known) {
        *ret = (uint32_t)((uintptr_t)known - 1);
        return 0;
    }
    if (t->header.inodes.count >= MAX_INODES)
        return -ENOSPC;
    uint32_t i = (uint32_t)t->header.inodes.count++;
    fill_inode(t, i, st, entry);
    if (several)
        idmap_set(&t->by_ino, key, (void *)((uintptr_t)i + 1));
    *ret = i;
    return 0;
}

struct names {
    struct index_entry *v;
    size_t n, cap;
};

static int compare(const void *a, const void *b, void *heap)
{
    const struct index_entry *x = a, *y = b;
    const char *p = (char *)heap + x->name, *q = (char *)heap + y->name;
    int r = memcmp(p, q, x->len < y->len ? x->len : y->len);
    if (r || x->len != y->len)
        return r ? r : (x->len > y->len) - (x->len < y->len);
    /* an object and a whiteout of one name: the object first */
    return (x->inode == INDEX_NO_INODE) - (y->inode == INDEX_NO_INODE);
}

/* Notes a name; what it names comes when all are known. `inode` tells whiteouts from objects. */
static int note_name(struct layer_tree *t, struct names *names, const char *name, uint32_t inode)
{
    struct index_entry e = {.len = (uint32_t)strlen(name), .inode = inode};
    int r = add_bytes(t, name, e.len + 1, &e.name); /* with its NUL, for the calls below */
    if (r < 0)
        return r;
    grow_array(names->v, names->n, names->cap);
    names->v[names->n++] = e;
    return 0;
}

static int read_names(struct layer_tree *t, uint32_t dir, DIR *h, struct names *names)
{
    const struct dirent *e;
    int r = 0;
    for (errno = 0; r == 0 && (e = readdir(h)); errno = 0) {
        const char *s = e->d_name;
        if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
            continue;
        if (strcmp(s, WHITEOUT_OPAQUE) == 0)
            t->extra[dir].opaque = true;
        else if (strncmp(s, UPPER_WHITEOUT, strlen(UPPER_WHITEOUT)) == 0 &&
                 s[strlen(UPPER_WHITEOUT)])
            r = note_name(t, names, s + strlen(UPPER_WHITEOUT), INDEX_NO_INODE);
        else
            r = note_name(t, names, s, 0);
    }
    return r < 0 ? r : -errno;
}

/* What is recorded about an object in place of what stat() says. */
static int apply_override(const struct upath *p, struct stat *st, bool *ret_typed)
{
    struct upper_object o;
    int r =
        S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ? upper_read(p, UPPER_VIRTUAL, &o) : -ENOENT;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (o.has_override) {
        st->st_mode = o.v.mode;
        st->st_uid = o.v.uid;
        st->st_gid = o.v.gid;
        st->st_rdev = o.v.rdev;
        *ret_typed = o.typed;
    }
    return 0;
}

/* Finds or adds what a name of the open directory names; INDEX_NO_INODE: a whiteout. */
static int place_object(struct layer_tree *t, int fd, const char *name, uint32_t entry,
                        uint32_t *ret)
{
    struct stat st;
    struct upath p;
    bool typed = false;
    int r = 0;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (upper_is_whiteout(&st)) {
        *ret = INDEX_NO_INODE;
        return 0;
    }
    if (t->overrides) {
        upath_at(&p, fd, name, NULL);
        r = apply_override(&p, &st, &typed);
    }
    if (r == 0)
        r = add_inode(t, &st, entry, ret);
    if (r == 0 && typed)
        t->extra[*ret].typed = true;
    return r;
}

static int place_entry(struct layer_tree *t, uint32_t dir, int fd, struct index_entry *e)
{
    e->dir = dir;
    if (t->header.entries.count >= MAX_ENTRIES)
        return -ENOSPC;
    uint32_t at = (uint32_t)t->header.entries.count;
    if (e->inode != INDEX_NO_INODE) {
        t->entries[at] = *e; /* the inode names it */
        int r = place_object(t, fd, t->heap + e->name, at, &e->inode);
        if (r < 0)
            return r;
    }
    t->entries[at] = *e;
    t->header.entries.count++;
    return 0;
}

static int fill_dir(const struct layer *l, uint32_t dir, int fd, struct names *names)
{
    struct layer_tree *t = tree_of(l);
    uint32_t first = (uint32_t)t->header.entries.count;
    if (names->n)
        qsort_r(names->v, names->n, sizeof(*names->v), compare, t->heap);
    for (size_t i = 0; i < names->n; i++) {
        const struct index_entry *before = i ? &names->v[i - 1] : NULL;
        if (before && before->len == names->v[i].len &&
            memcmp(t->heap + before->name, t->heap + names->v[i].name, before->len) == 0)
            continue;
        int r = place_entry(t, dir, fd, &names->v[i]);
        if (r < 0)
            return r; /* the entries stay, as inodes with several names know theirs */
    }
    t->inodes[dir].first = first;
    t->inodes[dir].count = (uint32_t)t->header.entries.count - first;
    t->extra[dir].entries = true;
    return 0;
}

int layer_tree_entries(const struct layer *l, uint32_t dir)
{
    struct layer_tree *t = tree_of(l);
    if (t->extra[dir].entries || !S_ISDIR(t->inodes[dir].mode))
        return 0;
    struct upath p;
    int r = locate(l, dir, &p);
    if (r < 0)
        return r;
    auto_closedir DIR *h =
        stream_dir(openat(p.dirfd, p.rel, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!h)
        return -errno;
    struct names names = {0};
    r = read_names(t, dir, h, &names);
    if (r == 0)
        r = fill_dir(l, dir, dirfd(h), &names);
    free(names.v);
    return r;
}

int layer_tree_target(const struct layer *l, uint32_t inode)
{
    struct layer_tree *t = tree_of(l);
    struct index_inode *in = &t->inodes[inode];
    auto_free char *target = NULL;
    struct upath p;
    if (t->extra[inode].target)
        return 0;
    int r = locate(l, inode, &p);
    if (r < 0)
        return r;
    r = upper_readlink(&p, t->extra[inode].typed, &target);
    if (r == 0)
        r = add_bytes(t, target, strlen(target), &in->first);
    if (r < 0)
        return r;
    in->count = (uint32_t)strlen(target);
    t->extra[inode].target = true;
    return 0;
}

/* --- attributes --------------------------------------------------------------------------- */

static int add_xattr(struct layer_tree *t, const struct upath *p, const char *name,
                     const char *shown)
{
    char value[65536];
    ssize_t n = upath_getxattr(p, name, value, sizeof(value));
    if (n == -ENODATA || n == -EPERM || n == -EACCES)
        return 0; /* gone, or not ours to know */
    if (n < 0)
        return (int)n;
    if (t->header.xattrs.count >= MAX_XATTRS)
        return -ENOSPC;
    struct index_xattr x = {.name_len = (uint32_t)strlen(shown), .value_len = (uint32_t)n};
    int r = add_bytes(t, shown, x.name_len, &x.name);
    if (r == 0)
        r = add_bytes(t, value, (size_t)n, &x.value);
    if (r == 0)
        t->xattrs[t->header.xattrs.count++] = x;
    return r;
}

int layer_tree_xattrs(const struct layer *l, uint32_t inode)
{
    struct layer_tree *t = tree_of(l);
    struct upath p;
    auto_buf names = {0};
    if (t->extra[inode].xattrs)
        return 0;
    int r = locate(l, inode, &p);
    if (r == 0)
        r = upath_listxattr(&p, &names);
    uint32_t first = (uint32_t)t->header.xattrs.count;
    for (const char *s = names.data; r == 0 && s < names.data + names.len; s += strlen(s) + 1) {
        const char *shown = t->overrides ? upper_xattr_shown(s, UPPER_VIRTUAL) : s;
        if (shown && !upper_xattr_is_ours(s))
            r = add_xattr(t, &p, s, shown);
    }
    if (r < 0)
        return r;
    t->inodes[inode].first_xattr = first;
    t->inodes[inode].n_xattrs = (uint32_t)t->header.xattrs.count - first;
    t->extra[inode].xattrs = true;
    return 0;
}

bool layer_tree_is_opaque(const struct layer *l, uint32_t dir)
{
    static const char *const names[] = {UPPER_OPAQUE, "trusted.overlay.opaque",
                                        "user.fuseoverlayfs.opaque"};
    struct layer_tree *t = tree_of(l);
    struct upath p;
    if (layer_tree_entries(l, dir) < 0 || t->extra[dir].opaque)
        return t->extra[dir].opaque;
    if (locate(l, dir, &p) < 0)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char value;
        if (upath_getxattr(&p, names[i], &value, 1) == 1 && value == 'y')
            return true;
    }
    return false;
}

/* --- life --------------------------------------------------------------------------------- */

static bool reserve_tables(struct layer_tree *t)
{
    t->inodes = reserve(MAX_INODES * sizeof(*t->inodes));
    t->extra = reserve(MAX_INODES * sizeof(*t->extra));
    t->entries = reserve(MAX_ENTRIES * sizeof(*t->entries));
    t->xattrs = reserve(MAX_XATTRS * sizeof(*t->xattrs));
    t->heap = reserve(MAX_HEAP);
    return t->inodes && t->extra && t->entries && t->xattrs && t->heap;
}

void layer_tree_close(struct layer *l)
{
    struct layer_tree *t = tree_of(l);
    for (size_t i = 0; i < N_FILES; i++)
        close_fd(&t->files[i].fd);
    release(t->inodes, MAX_INODES * sizeof(*t->inodes));
    release(t->extra, MAX_INODES * sizeof(*t->extra));
    release(t->entries, MAX_ENTRIES * sizeof(*t->entries));
    release(t->xattrs, MAX_XATTRS * sizeof(*t->xattrs));
    release(t->heap, MAX_HEAP);
    idmap_done(&t->by_ino);
    close_fd(&t->root_fd);
    free(t);
    *l = (struct layer){.tar_fd = -1};
}

/* The layer's root. */
static int add_root(struct layer_tree *t)
{
    struct stat st;
    struct upath p;
    char text[128];
    bool typed = false;
    int r = fstat(t->root_fd, &st) < 0 ? -errno : 0;
    if (r < 0)
        return r;
    upath_fd(&p, t->root_fd, false, NULL);
    t->dev = st.st_dev;
    t->overrides = upath_getxattr(&p, UPPER_OVERRIDE, text, sizeof(text)) >= 0;
    if (t->overrides)
        r = apply_override(&p, &st, &typed);
    t->header.inodes.count = 1;
    fill_inode(t, 0, &st, 0);
    return r;
}

int layer_open_tree(const char *path, struct layer *ret, struct err *err)
{
    struct layer_tree *t = new0(struct layer_tree);
    struct layer l = {.tar_fd = -1, .tree = t};
    for (size_t i = 0; i < N_FILES; i++)
        t->files[i].fd = -1;
    t->root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a link is fine here */
    int r = t->root_fd < 0 ? err_errno(err, -errno, "open directory %s", path) : 0;
    if (r == 0 && !reserve_tables(t))
        r = err_set(err, -ENOMEM, "%s: not enough address space", path);
    if (r == 0 && (r = add_root(t)) < 0)
        err_errno(err, r, "%s", path);
    if (r < 0) {
        layer_tree_close(&l);
        return r;
    }
    t->n_files = N_FILES;
    l.header = &t->header;
    l.inodes = t->inodes;
    l.entries = t->entries;
    l.xattrs = t->xattrs;
    l.heap = t->heap;
    *ret = l;
    return 0;
}
