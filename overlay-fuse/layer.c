/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one layer. */
#include "overlay-fuse/layer.h"
#include "overlay-fuse/layer_tree.h"

#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static bool table_fits(const struct layer *l, const struct index_table *t, size_t record)
{
    uint64_t bytes;
    return t->count <= UINT32_MAX && t->offset % 8 == 0 && t->offset >= sizeof(*l->header) &&
           t->offset <= l->map_size && !__builtin_mul_overflow(t->count, record, &bytes) &&
           bytes <= l->map_size - t->offset;
}

static bool range_fits(uint64_t first, uint64_t count, const struct index_table *t)
{
    return first <= t->count && count <= t->count - first;
}

static bool header_valid(struct layer *l)
{
    const struct index_header *h = l->header;
    if (!table_fits(l, &h->inodes, sizeof(*l->inodes)) || h->inodes.count == 0 ||
        !table_fits(l, &h->entries, sizeof(*l->entries)) ||
        !table_fits(l, &h->extents, sizeof(*l->extents)) ||
        !table_fits(l, &h->xattrs, sizeof(*l->xattrs)) ||
        !table_fits(l, &h->links, sizeof(*l->links)) || !table_fits(l, &h->heap, 1))
        return false;
    l->inodes = (const void *)(l->map + h->inodes.offset);
    l->entries = (const void *)(l->map + h->entries.offset);
    l->extents = (const void *)(l->map + h->extents.offset);
    l->xattrs = (const void *)(l->map + h->xattrs.offset);
    l->links = (const void *)(l->map + h->links.offset);
    l->heap = (const void *)(l->map + h->heap.offset);
    return true;
}

static bool extents_valid(const struct layer *l, const struct index_inode *in)
{
    if (in->size > INT64_MAX || !range_fits(in->first, in->count, &l->header->extents))
        return false;
    uint64_t end = 0;
    for (uint32_t i = 0; i < in->count; i++) {
        const struct index_extent *x = &l->extents[in->first + i];
        if (x->start < end || x->len == 0 || x->start > in->size || x->len > in->size - x->start ||
            x->tar_offset > l->tar_size || x->len > l->tar_size - x->tar_offset)
            return false;
        end = x->start + x->len;
    }
    return true;
}

static bool name_valid(const char *s, uint32_t len)
{
    if (len == 0 || len > 255 || memchr(s, 0, len) || memchr(s, '/', len))
        return false;
    return !(s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')));
}

static int name_cmp(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int r = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return r ? r : (a_len > b_len) - (a_len < b_len);
}

/* One directory: its entries are sorted, point at inodes that exist, and own their subdirectories.
 */
static bool dir_valid(const struct layer *l, uint32_t dir)
{
    const struct index_inode *in = &l->inodes[dir];
    if (!range_fits(in->first, in->count, &l->header->entries))
        return false;
    const struct index_entry *before = NULL;
    for (uint32_t i = 0; i < in->count; i++) {
        uint32_t number = in->first + i;
        const struct index_entry *e = &l->entries[number];
        if (!range_fits(e->name, e->len, &l->header->heap) || e->dir != dir ||
            !name_valid(l->heap + e->name, e->len))
            return false;
        if (before && name_cmp(l->heap + before->name, before->len, l->heap + e->name, e->len) >= 0)
            return false;
        before = e;
        if (e->inode == INDEX_NO_INODE)
            continue;
        if (e->inode >= l->header->inodes.count || e->inode == 0)
            return false;
        const struct index_inode *child = &l->inodes[e->inode];
        /* A directory has one name and a greater number than its parent: no loops, no sharing. */
        if (S_ISDIR(child->mode) && (child->entry != number || e->inode <= dir))
            return false;
    }
    return true;
}

static bool links_valid(const struct layer *l, uint32_t inode)
{
    const struct index_inode *in = &l->inodes[inode];
    if (in->nlink <= 1)
        return true;
    if (!range_fits(in->first_link, in->nlink, &l->header->links))
        return false;
    for (uint32_t i = 0; i < in->nlink; i++) {
        uint32_t e = l->links[in->first_link + i].entry;
        if (e >= l->header->entries.count || l->entries[e].inode != inode ||
            l->entries[e].dir >= l->header->inodes.count)
            return false;
    }
    return true;
}

/* Every entry stands in the directory it names, so a path upward can be followed. */
static bool entry_placed(const struct layer *l, uint32_t number)
{
    uint32_t dir = l->entries[number].dir;
    if (dir >= l->header->inodes.count || !S_ISDIR(l->inodes[dir].mode))
        return false;
    return number >= l->inodes[dir].first && number - l->inodes[dir].first < l->inodes[dir].count;
}

/* A directory but the root is named by an entry that points at it. */
static bool dir_named(const struct layer *l, uint32_t dir)
{
    uint32_t e = l->inodes[dir].entry;
    return dir == 0 || (e < l->header->entries.count && l->entries[e].inode == dir);
}

static bool inode_valid(const struct layer *l, uint32_t i)
{
    const struct index_inode *in = &l->inodes[i];
    if (in->mtime_nsec >= 1000000000 ||
        !range_fits(in->first_xattr, in->n_xattrs, &l->header->xattrs))
        return false;
    if (i == 0 && !S_ISDIR(in->mode))
        return false;
    switch (in->mode & S_IFMT) {
    case S_IFDIR: return dir_named(l, i) && dir_valid(l, i);
    case S_IFREG: return extents_valid(l, in) && links_valid(l, i);
    case S_IFLNK:
        return in->count > 0 && in->count < 4096 && in->size == in->count &&
               range_fits(in->first, in->count, &l->header->heap) && links_valid(l, i);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK: return links_valid(l, i);
    default: return false;
    }
}

static bool tables_valid(const struct layer *l)
{
    for (uint64_t i = 0; i < l->header->xattrs.count; i++) {
        const struct index_xattr *x = &l->xattrs[i];
        if (!range_fits(x->name, x->name_len, &l->header->heap) || x->name_len == 0 ||
            x->name_len > 255 || memchr(l->heap + x->name, 0, x->name_len) ||
            !range_fits(x->value, x->value_len, &l->header->heap))
            return false;
    }
    for (uint64_t i = 0; i < l->header->entries.count; i++)
        if (!entry_placed(l, (uint32_t)i))
            return false;
    for (uint64_t i = 0; i < l->header->inodes.count; i++)
        if (!inode_valid(l, (uint32_t)i))
            return false;
    return true;
}

static int map_file(int fd, uint64_t size, const uint8_t **ret, const char *path, struct err *err)
{
    void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(err, -errno, "map %s", path);
    *ret = p;
    return 0;
}

static int open_regular(const char *path, uint64_t *ret_size, struct err *err)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "open %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%s is not a regular file", path);
    *ret_size = (uint64_t)st.st_size;
    return take_fd(&fd);
}

/* Without `all` what is in the tables is taken as it is. */
static int check_index(struct layer *l, bool all, const char *path, struct err *err)
{
    const struct index_header *h = l->header;
    if (h->magic != INDEX_MAGIC || h->version != INDEX_VERSION || h->header_size != sizeof(*h))
        return err_set(err, -ESTALE, "%s is not a layer index of this version", path);
    if (h->tar_size != l->tar_size)
        return err_set(err, -ESTALE, "%s belongs to a tar of %llu bytes, not %llu", path,
                       (unsigned long long)h->tar_size, (unsigned long long)l->tar_size);
    if (h->file_size != l->map_size || l->map_size % 8 || !header_valid(l) ||
        (all && (h->checksum != index_checksum(h, l->map_size) || !tables_valid(l))))
        return err_set(err, -ESTALE, "%s is damaged", path);
    return 0;
}

static int open_layer(const char *tar, const char *index, bool all, struct layer *ret,
                      struct err *err)
{
    struct layer l = {.tar_fd = -1};
    uint64_t index_size;
    l.tar_fd = open_regular(tar, &l.tar_size, err);
    if (l.tar_fd < 0)
        return l.tar_fd;
    int r = 0;
    auto_close int fd = open_regular(index, &index_size, err);
    if (fd < 0)
        r = fd;
    else if (index_size < sizeof(*l.header))
        r = err_set(err, -ESTALE, "%s is damaged: too short", index);
    if (r == 0 && l.tar_size)
        r = map_file(l.tar_fd, l.tar_size, &l.tar, tar, err);
    if (r == 0)
        r = map_file(fd, index_size, &l.map, index, err);
    if (r == 0) {
        l.map_size = index_size;
        l.header = (const void *)l.map;
        r = check_index(&l, all, index, err);
    }
    if (r < 0) {
        layer_close(&l);
        return r;
    }
    *ret = l;
    return 0;
}

int layer_open(const char *tar, const char *index, struct layer *ret, struct err *err)
{
    return open_layer(tar, index, true, ret, err);
}

int layer_open_checked(const char *tar, const char *index, struct layer *ret, struct err *err)
{
    return open_layer(tar, index, false, ret, err);
}

void layer_close(struct layer *l)
{
    if (l->tree) {
        layer_tree_close(l);
        return;
    }
    if (l->tar)
        munmap((void *)l->tar, l->tar_size);
    if (l->map)
        munmap((void *)l->map, l->map_size);
    close_fd(&l->tar_fd);
    *l = (struct layer){.tar_fd = -1};
}

const struct index_entry *layer_find(const struct layer *l, uint32_t dir, const char *name,
                                     size_t len)
{
    if (layer_need_entries(l, dir) < 0)
        return NULL;
    const struct index_entry *e = l->entries + l->inodes[dir].first;
    size_t low = 0, high = l->inodes[dir].count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = name_cmp(name, len, l->heap + e[mid].name, e[mid].len);
        if (c == 0)
            return &e[mid];
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

uint32_t layer_extent_at(const struct layer *l, const struct index_inode *in, uint64_t offset)
{
    uint32_t low = 0, high = in->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct index_extent *x = &l->extents[in->first + mid];
        if (x->start + x->len <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool layer_is_opaque(const struct layer *l, uint32_t dir)
{
    return l->tree ? layer_tree_is_opaque(l, dir) : l->inodes[dir].flags & INDEX_OPAQUE;
}

uint64_t layer_ino(const struct layer *l, uint32_t inode)
{
    return l->tree ? layer_tree_ino(l, inode) : l->ino_base + inode;
}

int layer_fs_fd(const struct layer *l)
{
    return l->tree ? layer_tree_root(l) : l->tar_fd;
}

/* Offset in the tar of the byte at `offset`, or UINT64_MAX in a hole; *len is cut to the run. */
static uint64_t locate(const struct layer *l, uint32_t inode, uint64_t offset, size_t *len)
{
    const struct index_inode *in = &l->inodes[inode];
    uint64_t run = in->size - offset, where = UINT64_MAX;
    uint32_t i = layer_extent_at(l, in, offset);
    if (i < in->count) {
        const struct index_extent *x = &l->extents[in->first + i];
        if (x->start > offset) {
            run = x->start - offset;
        } else {
            run = x->start + x->len - offset;
            where = x->tar_offset + (offset - x->start);
        }
    }
    if (run < *len)
        *len = run;
    return where;
}

const uint8_t *layer_bytes(const struct layer *l, uint32_t inode, uint64_t offset, size_t len,
                           size_t *ret_len)
{
    uint64_t where = locate(l, inode, offset, &len);
    *ret_len = len;
    return where == UINT64_MAX ? NULL : l->tar + where;
}

void layer_unmap_pages(const struct layer *l)
{
    if (l->tar)
        madvise((void *)l->tar, l->tar_size, MADV_DONTNEED);
}

ssize_t layer_read(const struct layer *l, uint32_t inode, void *data, size_t len, uint64_t offset)
{
    const struct index_inode *in = &l->inodes[inode];
    if (l->tree) {
        int fd = layer_tree_file(l, inode);
        return fd < 0 ? fd : pread_full(fd, data, len, (off_t)offset);
    }
    if (offset >= in->size)
        return 0;
    if (len > in->size - offset)
        len = in->size - offset;
    size_t done = 0;
    while (done < len) {
        size_t run = len - done;
        uint64_t where = locate(l, inode, offset + done, &run);
        if (where == UINT64_MAX) {
            memset((char *)data + done, 0, run);
        } else {
            ssize_t n = pread_full(l->tar_fd, (char *)data + done, run, (off_t)where);
            if (n != (ssize_t)run)
                return n < 0 ? n : -EIO;
        }
        done += run;
    }
    return (ssize_t)done;
}
