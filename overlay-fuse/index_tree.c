/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of one layer while its tar is read. */
#include "base/alloc.h"
#include "overlay-fuse/index_tree_internal.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Bounds on hostile input: more than any real layer, little enough to stay in memory. */
#define MAX_RECORDS (32u * 1024 * 1024)
/* Directories that the tar does not list cost it a byte or two each in a path, and us 250: so many
 * in all are always taken, and so many more for each entry. A tar that lists files alone has fewer
 * than one for each of them. */
#define IMPLICIT_FREE      65536
#define IMPLICIT_PER_ENTRY 8
#define MAX_HEAP           (UINT32_C(3) << 30)
#define MAX_XATTRS         1024
#define MAX_XATTR_VALUE    65536
#define MAX_PATH_DEPTH     2048
#define WHITEOUT_PREFIX    ".wh."
#define WHITEOUT_RESERVE   ".wh..wh."
#define WHITEOUT_OPAQUE    ".wh..wh..opq"

struct index_tree *index_tree_new(void)
{
    struct index_tree *t = new0(struct index_tree);
    t->n_buckets = 1024;
    t->buckets = xcalloc(t->n_buckets, sizeof(*t->buckets));
    memset(t->buckets, 0xff, t->n_buckets * sizeof(*t->buckets));
    grow_array(t->inodes, 0, t->cap_inodes);
    t->inodes[0] = (struct tree_inode){
        .i = {.mode = S_IFDIR | 0755, .nlink = 1, .flags = INDEX_IMPLICIT},
        .first_entry = TREE_NONE,
        .number = TREE_NONE,
    };
    t->n_inodes = 1;
    return t;
}

void index_tree_free(struct index_tree *t)
{
    free(t->entries);
    free(t->inodes);
    free(t->extents);
    free(t->xattrs);
    buf_done(&t->names);
    free(t->buckets);
    free(t);
}

static uint32_t hash_name(uint32_t dir, const char *name, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (dir * UINT64_C(0x9e3779b97f4a7c15));
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ (h >> 32));
}

static const char *entry_name(const struct index_tree *t, const struct tree_entry *e)
{
    return t->names.data + e->name;
}

static uint32_t find_entry(const struct index_tree *t, uint32_t dir, const char *name, size_t len)
{
    uint32_t n = t->buckets[hash_name(dir, name, len) & (t->n_buckets - 1)];
    for (; n != TREE_NONE; n = t->entries[n].next_in_hash) {
        const struct tree_entry *e = &t->entries[n];
        if (e->dir == dir && e->len == len && memcmp(entry_name(t, e), name, len) == 0)
            return n;
    }
    return TREE_NONE;
}

static void rehash(struct index_tree *t)
{
    t->n_buckets *= 4;
    t->buckets = xrealloc(t->buckets, t->n_buckets, sizeof(*t->buckets));
    memset(t->buckets, 0xff, t->n_buckets * sizeof(*t->buckets));
    for (size_t i = 0; i < t->n_entries; i++) {
        struct tree_entry *e = &t->entries[i];
        uint32_t b = hash_name(e->dir, entry_name(t, e), e->len) & (uint32_t)(t->n_buckets - 1);
        e->next_in_hash = t->buckets[b];
        t->buckets[b] = (uint32_t)i;
    }
}

/* Bytes into the heap; their offset, or TREE_NONE when it is full. */
static uint32_t add_bytes(struct index_tree *t, const void *p, size_t n)
{
    if (n > MAX_HEAP - t->names.len)
        return TREE_NONE;
    uint32_t at = (uint32_t)t->names.len;
    buf_add(&t->names, p, n);
    return at;
}

static int too_much(struct err *err)
{
    return err_set(err, -EFBIG, "the layer has too many entries");
}

static int new_entry(struct index_tree *t, uint32_t dir, const char *name, size_t len,
                     uint32_t *ret, struct err *err)
{
    uint32_t at = add_bytes(t, name, len);
    if (at == TREE_NONE || t->n_entries >= MAX_RECORDS)
        return too_much(err);
    if (t->n_entries >= t->n_buckets)
        rehash(t);
    grow_array(t->entries, t->n_entries, t->cap_entries);
    uint32_t n = (uint32_t)t->n_entries++;
    uint32_t *bucket = &t->buckets[hash_name(dir, name, len) & (t->n_buckets - 1)];
    t->entries[n] = (struct tree_entry){
        .dir = dir,
        .name = at,
        .len = (uint8_t)len,
        .inode = TREE_NONE,
        .next_in_dir = t->inodes[dir].first_entry,
        .next_in_hash = *bucket,
    };
    *bucket = n;
    t->inodes[dir].first_entry = n;
    *ret = n;
    return 0;
}

static int new_inode(struct index_tree *t, const struct index_inode *i, uint32_t *ret,
                     struct err *err)
{
    if (t->n_inodes >= MAX_RECORDS)
        return too_much(err);
    grow_array(t->inodes, t->n_inodes, t->cap_inodes);
    t->inodes[t->n_inodes] =
        (struct tree_inode){.i = *i, .first_entry = TREE_NONE, .number = TREE_NONE};
    *ret = (uint32_t)t->n_inodes++;
    return 0;
}

/* Takes the object away from a name; what stood below a directory is not reached any more. */
static void drop_inode(struct index_tree *t, struct tree_entry *e)
{
    if (e->inode != TREE_NONE)
        t->inodes[e->inode].i.nlink--;
    e->inode = TREE_NONE;
}

static bool is_dir(const struct index_tree *t, const struct tree_entry *e)
{
    return e->inode != TREE_NONE && S_ISDIR(t->inodes[e->inode].i.mode);
}

/* The directory called `name` in `dir`, made as an implicit one where there is none. */
static int enter_dir(struct index_tree *t, uint32_t dir, const char *name, size_t len,
                     uint32_t *ret, struct err *err)
{
    uint32_t n = find_entry(t, dir, name, len);
    int r = n == TREE_NONE ? new_entry(t, dir, name, len, &n, err) : 0;
    if (r < 0)
        return r;
    if (!is_dir(t, &t->entries[n])) {
        if (t->n_implicit >= IMPLICIT_FREE + IMPLICIT_PER_ENTRY * t->n_listed)
            return err_set(err, -EFBIG,
                           "the layer has too many directories that it does not list: refused");
        t->n_implicit++;
        struct index_inode made = {.mode = S_IFDIR | 0755, .nlink = 1, .flags = INDEX_IMPLICIT};
        uint32_t inode;
        r = new_inode(t, &made, &inode, err);
        if (r < 0)
            return r;
        drop_inode(t, &t->entries[n]);
        t->entries[n].inode = inode;
    }
    *ret = t->entries[n].inode;
    return 0;
}

static const char *skip_dots(const char *p)
{
    for (;;) {
        if (*p == '/')
            p++;
        else if (p[0] == '.' && (p[1] == '/' || p[1] == 0))
            p++;
        else
            return p;
    }
}

static int check_component(const char *path, const char *name, size_t len, struct err *err)
{
    if (len == 2 && name[0] == '.' && name[1] == '.')
        return err_set(err, -EINVAL, "entry \"%s\" has \"..\" in its path", path);
    if (len > NAME_MAX)
        return err_set(err, -ENAMETOOLONG, "entry \"%.200s...\" has a name over 255 bytes", path);
    return 0;
}

/* Walks to the parent of the last component. *ret_len 0: the path is the root itself. With `make`,
 * missing directories are made; else -ENOENT without a message. */
static int walk_parent(struct index_tree *t, const char *path, bool make, uint32_t *ret_dir,
                       const char **ret_name, size_t *ret_len, struct err *err)
{
    if (strlen(path) >= PATH_MAX)
        return err_set(err, -ENAMETOOLONG, "entry \"%.200s...\" has too long a path", path);
    uint32_t dir = 0;
    const char *p = skip_dots(path);
    for (;;) {
        size_t len = strcspn(p, "/");
        int r = check_component(path, p, len, err);
        if (r < 0)
            return r;
        const char *next = skip_dots(p + len);
        if (!*next) {
            *ret_dir = dir;
            *ret_name = p;
            *ret_len = len;
            return 0;
        }
        if (make) {
            r = enter_dir(t, dir, p, len, &dir, err);
            if (r < 0)
                return r;
        } else {
            uint32_t n = find_entry(t, dir, p, len);
            if (n == TREE_NONE || !is_dir(t, &t->entries[n]))
                return -ENOENT;
            dir = t->entries[n].inode;
        }
        p = next;
    }
}

static int add_xattrs(struct index_tree *t, const char *path, const struct index_object *o,
                      struct index_inode *in, struct err *err)
{
    if (o->n_xattrs > MAX_XATTRS || t->n_xattrs + o->n_xattrs > MAX_RECORDS)
        return err_set(err, -EFBIG, "entry \"%s\" has too many extended attributes", path);
    in->first_xattr = (uint32_t)t->n_xattrs;
    in->n_xattrs = (uint32_t)o->n_xattrs;
    for (size_t i = 0; i < o->n_xattrs; i++) {
        const struct index_tree_xattr *x = &o->xattrs[i];
        size_t len = strlen(x->name);
        if (len == 0 || len > 255 || x->len > MAX_XATTR_VALUE)
            return err_set(err, -EINVAL, "entry \"%s\" has an extended attribute out of bounds",
                           path);
        uint32_t name = add_bytes(t, x->name, len), value = add_bytes(t, x->value, x->len);
        if (name == TREE_NONE || value == TREE_NONE)
            return too_much(err);
        grow_array(t->xattrs, t->n_xattrs, t->cap_xattrs);
        t->xattrs[t->n_xattrs++] =
            (struct index_xattr){name, (uint32_t)len, value, (uint32_t)x->len};
    }
    return 0;
}

static int add_content(struct index_tree *t, const char *path, const struct index_object *o,
                       struct index_inode *in, struct err *err)
{
    if (S_ISLNK(o->mode)) {
        size_t len = o->target ? strlen(o->target) : 0;
        if (len == 0 || len >= PATH_MAX)
            return err_set(err, -EINVAL, "symbolic link \"%s\" has no or too long a target", path);
        in->first = add_bytes(t, o->target, len);
        in->count = (uint32_t)len;
        in->size = len;
        return in->first == TREE_NONE ? too_much(err) : 0;
    }
    if (!S_ISREG(o->mode))
        return 0;
    if (t->n_extents + o->n_extents > MAX_RECORDS)
        return too_much(err);
    in->size = o->size;
    in->first = (uint32_t)t->n_extents;
    in->count = (uint32_t)o->n_extents;
    for (size_t i = 0; i < o->n_extents; i++) {
        grow_array(t->extents, t->n_extents, t->cap_extents);
        t->extents[t->n_extents++] = o->extents[i];
    }
    return 0;
}

static int fill_inode(struct index_tree *t, const char *path, const struct index_object *o,
                      struct index_inode *ret, struct err *err)
{
    *ret = (struct index_inode){
        .mtime_sec = o->mtime.tv_sec,
        .mtime_nsec = (uint32_t)o->mtime.tv_nsec,
        .mode = o->mode,
        .uid = o->uid,
        .gid = o->gid,
        .dev_major = o->dev_major,
        .dev_minor = o->dev_minor,
        .nlink = 1,
    };
    int r = add_content(t, path, o, ret, err);
    return r < 0 ? r : add_xattrs(t, path, o, ret, err);
}

/* A directory that is there gets the attributes of its entry and keeps what is in it. */
static void update_dir(struct tree_inode *dir, const struct index_inode *attr)
{
    uint32_t opaque = dir->i.flags & INDEX_OPAQUE;
    dir->i = *attr;
    dir->i.flags = opaque;
}

/* ".wh.name" and ".wh..wh..opq". */
static int add_whiteout(struct index_tree *t, const char *path, uint32_t dir, const char *name,
                        size_t len, struct err *err)
{
    size_t prefix = strlen(WHITEOUT_PREFIX);
    if (len == strlen(WHITEOUT_OPAQUE) && memcmp(name, WHITEOUT_OPAQUE, len) == 0) {
        t->inodes[dir].i.flags |= INDEX_OPAQUE;
        return 0;
    }
    if (len >= strlen(WHITEOUT_RESERVE) &&
        memcmp(name, WHITEOUT_RESERVE, strlen(WHITEOUT_RESERVE)) == 0)
        return 0; /* aufs's own bookkeeping: no content */
    name += prefix;
    len -= prefix;
    if (len == 0 || (len <= 2 && memcmp(name, "..", len) == 0))
        return err_set(err, -EINVAL, "whiteout \"%s\" names nothing", path);
    uint32_t n = find_entry(t, dir, name, len);
    int r = n == TREE_NONE ? new_entry(t, dir, name, len, &n, err) : 0;
    if (r == 0)
        t->entries[n].whiteout = true;
    return r;
}

static size_t path_depth(const char *path)
{
    size_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

int index_tree_add(struct index_tree *t, const char *path, const struct index_object *o,
                   struct err *err)
{
    uint32_t dir, n;
    const char *name;
    size_t len;
    t->n_listed++;
    if (!*path)
        return err_set(err, -EINVAL, "an entry has an empty name");
    if (path_depth(path) > MAX_PATH_DEPTH)
        return err_set(err, -ENAMETOOLONG, "entry \"%.200s...\" lies too deep", path);
    int r = walk_parent(t, path, true, &dir, &name, &len, err);
    if (r < 0)
        return r;
    if (len > strlen(WHITEOUT_PREFIX) - 1 &&
        memcmp(name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) == 0)
        return add_whiteout(t, path, dir, name, len, err);
    struct index_inode in;
    r = fill_inode(t, path, o, &in, err);
    if (r < 0)
        return r;
    if (len == 0) {
        if (!S_ISDIR(o->mode))
            return err_set(err, -EINVAL, "entry \"%s\" makes the root no directory", path);
        update_dir(&t->inodes[0], &in);
        return 0;
    }
    n = find_entry(t, dir, name, len);
    if (n == TREE_NONE)
        r = new_entry(t, dir, name, len, &n, err);
    else if (S_ISDIR(o->mode) && is_dir(t, &t->entries[n])) {
        update_dir(&t->inodes[t->entries[n].inode], &in);
        return 0;
    }
    uint32_t inode;
    if (r == 0)
        r = new_inode(t, &in, &inode, err);
    if (r == 0) {
        drop_inode(t, &t->entries[n]);
        t->entries[n].inode = inode;
    }
    return r;
}

int index_tree_link(struct index_tree *t, const char *path, const char *target, struct err *err)
{
    uint32_t dir, n = TREE_NONE;
    const char *name;
    size_t len;
    t->n_listed++;
    int r = walk_parent(t, target, false, &dir, &name, &len, err);
    if (r == 0 && len)
        n = find_entry(t, dir, name, len);
    if (r < 0 && r != -ENOENT)
        return err_wrap(err, "hard link \"%s\"", path);
    if (n == TREE_NONE || t->entries[n].inode == TREE_NONE)
        return err_set(err, -EINVAL, "hard link \"%s\" points at \"%s\", which is not there", path,
                       target);
    if (is_dir(t, &t->entries[n]))
        return err_set(err, -EINVAL, "hard link \"%s\" points at a directory", path);
    uint32_t inode = t->entries[n].inode;
    t->inodes[inode].i.nlink++; /* before the walk, which may replace the target's name */
    r = walk_parent(t, path, true, &dir, &name, &len, err);
    if (r < 0)
        return r;
    if (len == 0 || (len >= 4 && memcmp(name, WHITEOUT_PREFIX, 4) == 0))
        return err_set(err, -EINVAL, "hard link has the name \"%s\"", path);
    n = find_entry(t, dir, name, len);
    if (n == TREE_NONE)
        r = new_entry(t, dir, name, len, &n, err);
    if (r == 0) {
        drop_inode(t, &t->entries[n]);
        t->entries[n].inode = inode;
    }
    return r;
}
