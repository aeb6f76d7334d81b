/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of the names in a directory. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/node.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

static uint32_t hash_name(const char *s, size_t len)
{
    uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), w;
    for (; len >= 8; s += 8, len -= 8) {
        memcpy(&w, s, 8);
        h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, s, len);
    h = (h ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(h ^ (h >> 32));
}

static void insert(struct dir *d, struct child *c)
{
    size_t i = c->hash & (d->n_buckets - 1);
    while (d->buckets[i])
        i = (i + 1) & (d->n_buckets - 1);
    d->buckets[i] = c;
}

static void make_room(struct dir *d, size_t n)
{
    size_t want = 16;
    while (want * 3 < n * 4)
        want *= 2;
    if (want <= d->n_buckets)
        return;
    struct child **old = d->buckets;
    size_t n_old = d->n_buckets;
    d->buckets = xcalloc(want, sizeof(*d->buckets));
    d->n_buckets = want;
    for (size_t i = 0; i < n_old; i++)
        if (old[i])
            insert(d, old[i]);
    free(old);
}

static size_t find_bucket(const struct dir *d, const char *name, size_t len)
{
    uint32_t h = hash_name(name, len);
    size_t i = h & (d->n_buckets - 1);
    for (; d->buckets[i]; i = (i + 1) & (d->n_buckets - 1)) {
        const struct child *c = d->buckets[i];
        if (c->hash == h && c->len == len && memcmp(c->name, name, len) == 0)
            break;
    }
    return i;
}

struct child *dir_find(const struct node *dir, const char *name, size_t len)
{
    return dir->dir->buckets[find_bucket(dir->dir, name, len)];
}

static void take_out(struct dir *d, const struct child *c)
{
    size_t mask = d->n_buckets - 1, gap = find_bucket(d, c->name, c->len), i = gap;
    for (;;) { /* close the gap, so that no probe ends early */
        i = (i + 1) & mask;
        if (!d->buckets[i])
            break;
        size_t home = d->buckets[i]->hash & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            d->buckets[gap] = d->buckets[i];
            gap = i;
        }
    }
    d->buckets[gap] = NULL;
    d->n_children--;
}

static void add_slot(struct dir *d, struct child *c)
{
    c->cookie = d->next_cookie++;
    d->n_subdirs += c->is_dir;
    grow_array(d->slots, d->n_slots, d->cap_slots);
    d->slots[d->n_slots++] = (struct dir_slot){c->cookie, c};
}

size_t dir_seek(const struct dir *d, uint64_t after)
{
    size_t low = 0, high = d->n_slots;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (d->slots[mid].cookie <= after)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void drop_slot(struct dir *d, const struct child *c)
{
    d->slots[dir_seek(d, c->cookie - 1)].child = NULL;
    d->n_subdirs -= c->is_dir;
    d->n_dead++;
    if (d->n_dead <= 64 || d->n_dead * 2 < d->n_slots)
        return;
    size_t n = 0; /* the cookies of the others stay */
    for (size_t i = 0; i < d->n_slots; i++)
        if (d->slots[i].child)
            d->slots[n++] = d->slots[i];
    d->n_slots = n;
    d->n_dead = 0;
}

static void add_child(struct dir *d, struct child *c)
{
    c->hash = hash_name(c->name, c->len);
    make_room(d, d->n_children + 1);
    d->n_children++;
    insert(d, c);
    if (!c->hidden)
        add_slot(d, c);
}

static struct child *new_child(struct node *dir, const char *name, size_t len)
{
    struct child *c = new0(struct child);
    c->dir = dir;
    c->name = xmemdup(name, len);
    c->len = (uint8_t)len;
    c->own_name = true;
    return c;
}

struct child *dir_show(struct node *dir, const char *name, size_t len, bool is_dir)
{
    struct child *c = dir_find(dir, name, len);
    if (!c) {
        c = new_child(dir, name, len);
        c->is_dir = is_dir;
        add_child(dir->dir, c);
    } else if (c->hidden) {
        c->hidden = c->by_file = false;
        c->is_dir = is_dir;
        add_slot(dir->dir, c);
    }
    return c;
}

static void free_child(struct child *c)
{
    if (c->own_name)
        free((char *)c->name);
    if (!c->in_block)
        free(c);
}

void dir_hide(struct node *dir, struct child *c, bool whiteout)
{
    if (!c->hidden)
        drop_slot(dir->dir, c);
    c->in_lower = false;
    c->in_upper = whiteout;
    c->hidden = true;
    if (whiteout)
        return;
    take_out(dir->dir, c);
    free_child(c);
}

bool dir_is_empty(const struct node *dir)
{
    return dir->dir->n_slots == dir->dir->n_dead;
}

void dir_free(struct dir *d)
{
    for (size_t i = 0; i < d->n_buckets; i++)
        if (d->buckets[i])
            free_child(d->buckets[i]);
    free(d->buckets);
    free(d->slots);
    free(d->block);
    free(d);
}

static int add_upper_name(struct overlay *ov, struct node *dir, int fd, const struct dirent *e)
{
    const char *name = e->d_name;
    bool hidden = false, is_dir = e->d_type == DT_DIR;
    bool by_file =
        overlay_reads_prefix(ov) && strncmp(name, UPPER_WHITEOUT, strlen(UPPER_WHITEOUT)) == 0;
    if (by_file && strcmp(name, UPPER_OPAQUE_FILE) == 0)
        return 0;
    if (by_file) {
        name += strlen(UPPER_WHITEOUT);
        hidden = true;
    } else if (e->d_type == DT_CHR || e->d_type == DT_UNKNOWN) {
        struct stat st;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        hidden = upper_is_whiteout(&st);
        is_dir = S_ISDIR(st.st_mode);
    }
    struct child *c = dir_find(dir, name, strlen(name));
    if (c) { /* a ".wh." file and an object: a crash between two steps, the object counts */
        if (hidden || !c->hidden) /* nor does a name count twice that is listed twice */
            return 0;
        c->is_dir = is_dir;
        c->hidden = c->by_file = false;
        add_slot(dir->dir, c);
        return 0;
    }
    c = new_child(dir, name, strlen(name));
    c->in_upper = true;
    c->hidden = hidden;
    c->by_file = by_file;
    c->is_dir = is_dir;
    add_child(dir->dir, c);
    return 0;
}

static int load_upper(struct overlay *ov, struct node *dir)
{
    struct upath p;
    int r = node_upath(ov, dir, &p);
    if (r < 0)
        return r;
    int fd = openat(p.dirfd, p.rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_closedir DIR *h = stream_dir(fd);
    if (!h)
        return -errno;
    const struct dirent *e;
    for (errno = 0; (e = readdir(h)); errno = 0) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        r = add_upper_name(ov, dir, fd, e);
        if (r < 0)
            return r;
    }
    return -errno;
}

/* Adds what one layer has in the directory, as far as nothing above it says otherwise. */
static size_t load_lower(struct overlay *ov, struct node *dir, struct lower_ref ref,
                         struct child *block)
{
    const struct layer *l = &ov->layers[ref.layer];
    const struct index_inode *in = &l->inodes[ref.inode];
    size_t used = 0;
    for (uint32_t i = 0; i < in->count; i++) {
        const struct index_entry *e = &l->entries[in->first + i];
        const char *name = l->heap + e->name;
        struct lower_ref at = {ref.layer, e->inode};
        struct child *c = dir_find(dir, name, e->len);
        if (c) /* a directory that is merged is told so when it is resolved */
            continue;
        c = &block[used++];
        *c = (struct child){.dir = dir,
                            .name = name,
                            .lower = at,
                            .len = (uint8_t)e->len,
                            .in_lower = e->inode != INDEX_NO_INODE,
                            .hidden = e->inode == INDEX_NO_INODE,
                            .is_dir =
                                e->inode != INDEX_NO_INODE && S_ISDIR(l->inodes[e->inode].mode),
                            .in_block = true};
        add_child(dir->dir, c);
    }
    return used;
}

static struct dir *new_table(size_t names)
{
    struct dir *d = new0(struct dir);
    d->next_cookie = DIR_FIRST_COOKIE;
    make_room(d, names + 1);
    return d;
}

void dir_begin(struct node *dir)
{
    dir->dir = new_table(0);
}

int dir_load(struct overlay *ov, struct node *dir)
{
    if (dir->dir)
        return 0;
    if (!node_is_dir(dir))
        return -ENOTDIR;
    size_t n = 0;
    int r = 0;
    for (uint32_t i = 0; i < dir->n_lowers && r == 0; i++) {
        const struct layer *l = &ov->layers[dir->lowers[i].layer];
        r = layer_need_entries(l, dir->lowers[i].inode);
        n += l->inodes[dir->lowers[i].inode].count;
    }
    struct dir *d = dir->dir = new_table(n);
    if (r == 0 && dir->in_upper && !dir->unlinked)
        r = load_upper(ov, dir);
    if (r < 0) {
        dir_free(dir->dir);
        dir->dir = NULL;
        return r;
    }
    if (n)
        d->block = xcalloc(n, sizeof(*d->block));
    n = 0;
    for (uint32_t i = 0; i < dir->n_lowers && d->block && !dir->unlinked; i++)
        n += load_lower(ov, dir, dir->lowers[i], d->block + n);
    return 0;
}
