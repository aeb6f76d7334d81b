/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of objects. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <unistd.h>

const struct layer *node_data_layer(const struct overlay *ov, const struct node *n,
                                    uint32_t *ret_inode)
{
    if (n->in_upper && !n->meta)
        return NULL;
    *ret_inode = n->lowers[0].inode;
    return &ov->layers[n->lowers[0].layer];
}

ssize_t node_read(struct overlay *ov, struct node *n, void *data, size_t len, uint64_t offset)
{
    uint32_t inode;
    if (!S_ISREG(n->v.mode))
        return node_is_dir(n) ? -EISDIR : -EINVAL;
    const struct layer *l = node_data_layer(ov, n, &inode);
    if (l)
        return layer_read(l, inode, data, len, offset);
    int fd = node_fd(ov, n);
    return fd < 0 ? fd : pread_full(fd, data, len, (off_t)offset);
}

/* A descriptor to change the data by. */
static int open_data(struct overlay *ov, struct node *n)
{
    if (!S_ISREG(n->v.mode))
        return node_is_dir(n) ? -EISDIR : -EINVAL;
    int r = node_copy_up(ov, n, UINT64_MAX);
    int fd = r < 0 ? r : node_fd(ov, n);
    r = fd < 0 ? fd : node_save_mtime(ov, n, fd);
    return r < 0 ? r : fd;
}

ssize_t node_write(struct overlay *ov, struct node *n, const void *data, size_t len,
                   uint64_t offset)
{
    int fd = open_data(ov, n);
    if (fd < 0)
        return fd;
    size_t done = 0;
    while (done < len) {
        ssize_t w = pwrite(fd, (const char *)data + done, len - done, (off_t)(offset + done));
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return done ? (ssize_t)done : w < 0 ? -errno : -EIO;
        done += (size_t)w;
    }
    return (ssize_t)done;
}

int node_readlink(struct overlay *ov, struct node *n, char **ret)
{
    if (!S_ISLNK(n->v.mode))
        return -EINVAL;
    if (!n->in_upper) {
        const struct layer *l = &ov->layers[n->lowers[0].layer];
        const struct index_inode *in = &l->inodes[n->lowers[0].inode];
        int r = layer_need_target(l, n->lowers[0].inode);
        if (r < 0)
            return r;
        *ret = xstrndup(l->heap + in->first, in->count);
        return 0;
    }
    struct upath p;
    int r = node_upath(ov, n, &p);
    return r < 0 ? r : upper_readlink(&p, n->typed, ret);
}

static off_t seek_lower(const struct layer *l, uint32_t inode, uint64_t offset, int whence)
{
    const struct index_inode *in = &l->inodes[inode];
    if (offset >= in->size)
        return -ENXIO;
    for (uint32_t i = layer_extent_at(l, in, offset); i < in->count; i++) {
        const struct index_extent *x = &l->extents[in->first + i];
        if (whence == SEEK_DATA)
            return (off_t)(x->start > offset ? x->start : offset);
        if (x->start > offset)
            return (off_t)offset;
        offset = x->start + x->len;
    }
    return whence == SEEK_DATA ? -ENXIO : (off_t)(offset < in->size ? offset : in->size);
}

off_t node_seek(struct overlay *ov, struct node *n, off_t offset, int whence)
{
    uint32_t inode;
    if (!S_ISREG(n->v.mode) || offset < 0)
        return -ENXIO;
    const struct layer *l = node_data_layer(ov, n, &inode);
    if (l && !l->tree)
        return seek_lower(l, inode, (uint64_t)offset, whence);
    int fd = l ? layer_tree_file(l, inode) : node_fd(ov, n);
    if (fd < 0)
        return fd;
    off_t at = lseek(fd, offset, whence);
    return at < 0 ? -errno : at;
}

int node_allocate(struct overlay *ov, struct node *n, int mode, off_t offset, off_t len)
{
    int fd = open_data(ov, n);
    if (fd < 0)
        return fd;
    return fallocate(fd, mode, offset, len) < 0 ? -errno : 0;
}

/* Where to copy from: a descriptor and an offset in it, with *len cut to what lies there in one
 * piece. 0 bytes: the end. -EOPNOTSUPP: a hole, which the caller's caller fills by other means. */
static int range_source(struct overlay *ov, struct node *from, uint64_t offset, size_t *len,
                        off_t *ret_offset)
{
    uint32_t inode;
    const struct layer *l = node_data_layer(ov, from, &inode);
    *ret_offset = (off_t)offset;
    if (!l || l->tree)
        return l ? layer_tree_file(l, inode) : node_fd(ov, from);
    if (offset >= l->inodes[inode].size) {
        *len = 0;
        return l->tar_fd;
    }
    const uint8_t *at = layer_bytes(l, inode, offset, *len, len);
    if (!at)
        return -EOPNOTSUPP;
    *ret_offset = at - l->tar;
    return l->tar_fd;
}

ssize_t node_copy_range(struct overlay *ov, struct node *from, off_t from_offset, struct node *to,
                        off_t to_offset, size_t len)
{
    if (!S_ISREG(from->v.mode))
        return -EINVAL;
    int out = open_data(ov, to);
    if (out < 0)
        return out;
    off_t at;
    int in = range_source(ov, from, (uint64_t)from_offset, &len, &at);
    if (in < 0 || len == 0)
        return in < 0 ? in : 0;
    out = open_data(ov, to); /* opening the source may have closed it */
    if (out < 0)
        return out;
    ssize_t n = copy_file_range(in, &at, out, &to_offset, len, 0);
    return n < 0 ? -errno : n;
}

int node_sync(struct overlay *ov, struct node *n, bool data_only)
{
    if (!n->in_upper)
        return 0; /* a layer is on the disk already */
    int r = ov->journal ? journal_sync(ov->journal, false) : 0;
    if (r < 0)
        return r;
    if (!S_ISREG(n->v.mode) && !node_is_dir(n) && !n->typed)
        return 0; /* and so is what has no data */
    struct upath p;
    int fd;
    auto_close int own = -1;
    if (S_ISREG(n->v.mode) && (!n->typed || n->fd >= 0)) {
        fd = node_fd(ov, n);
        node_restore_mtime(n);
    } else {
        r = node_upath(ov, n, &p);
        if (r < 0)
            return r;
        fd = own = openat(p.dirfd, p.rel, O_RDONLY | O_CLOEXEC | (p.follow ? 0 : O_NOFOLLOW));
        if (fd < 0)
            return errno == ELOOP ? 0 : -errno;
    }
    if (fd < 0)
        return fd;
    return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}
