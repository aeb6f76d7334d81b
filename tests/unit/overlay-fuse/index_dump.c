/* SPDX-License-Identifier: Apache-2.0 */
/* What an index says, as text. */
#include "tests/unit/overlay-fuse/index_dump.h"

#include "base/alloc.h"

#include <string.h>
#include <sys/stat.h>

#define READ_MAX 4096 /* of a file's bytes; an index that is damaged may promise exabytes */

static const char *type_name(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "dir";
    case S_IFREG: return "file";
    case S_IFLNK: return "link";
    case S_IFCHR: return "char";
    case S_IFBLK: return "block";
    case S_IFIFO: return "fifo";
    default: return "socket";
    }
}

static void add_bytes(struct buf *b, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        if (p[i] > 32 && p[i] < 127)
            buf_add_char(b, (char)p[i]);
        else
            buf_printf(b, "\\%02x", p[i]);
}

/* "data=..." with runs of zeros that are holes as "<N>"; both ways to read must agree. */
static void dump_data(const struct layer *l, uint32_t inode, struct buf *b)
{
    const struct index_inode *in = &l->inodes[inode];
    size_t want = in->size < READ_MAX ? (size_t)in->size : READ_MAX;
    auto_free char *data = xcalloc(want + 1, 1);
    ssize_t n = layer_read(l, inode, data, want, 0);
    buf_printf(b, " size=%llu", (unsigned long long)in->size);
    if (n != (ssize_t)want) {
        buf_printf(b, INDEX_DUMP_WRONG " read=%zd", n);
        return;
    }
    if (in->size)
        buf_add_str(b, " data=");
    for (size_t at = 0; at < want;) {
        size_t run;
        const uint8_t *p = layer_bytes(l, inode, at, want - at, &run);
        if (run == 0 || run > want - at) {
            buf_printf(b, INDEX_DUMP_WRONG " run=%zu", run);
            return;
        }
        if (!p)
            buf_printf(b, "<%zu>", run);
        else if (memcmp(p, data + at, run) != 0)
            buf_add_str(b, INDEX_DUMP_WRONG " mapped and read bytes differ");
        else
            add_bytes(b, p, run);
        at += run;
    }
    uint32_t last = layer_extent_at(l, in, in->size);
    if (last != in->count)
        buf_printf(b, INDEX_DUMP_WRONG " extent-behind-end=%u", last);
}

static void dump_inode(const struct layer *l, uint32_t inode, struct buf *b)
{
    const struct index_inode *in = &l->inodes[inode];
    buf_printf(b, " %s %o %u:%u", type_name(in->mode), in->mode & 07777, in->uid, in->gid);
    if (in->mtime_sec || in->mtime_nsec)
        buf_printf(b, " @%lld.%u", (long long)in->mtime_sec, in->mtime_nsec);
    if (S_ISDIR(in->mode) || in->nlink != 1)
        buf_printf(b, " x%u", in->nlink);
    if (in->flags & INDEX_IMPLICIT)
        buf_add_str(b, " implicit");
    if (in->flags & INDEX_OPAQUE)
        buf_add_str(b, " opaque");
    if (S_ISCHR(in->mode) || S_ISBLK(in->mode))
        buf_printf(b, " %u,%u", in->dev_major, in->dev_minor);
    if (S_ISLNK(in->mode)) {
        buf_add_str(b, " -> ");
        add_bytes(b, l->heap + in->first, in->count);
    }
    if (S_ISREG(in->mode))
        dump_data(l, inode, b);
    for (uint32_t i = 0; i < in->n_xattrs; i++) {
        const struct index_xattr *x = &l->xattrs[in->first_xattr + i];
        buf_add_char(b, ' ');
        add_bytes(b, l->heap + x->name, x->name_len);
        buf_add_char(b, '=');
        add_bytes(b, l->heap + x->value, x->value_len);
    }
    if (!S_ISDIR(in->mode) && in->nlink > 1) {
        buf_add_str(b, " names");
        for (uint32_t i = 0; i < in->nlink; i++) {
            const struct index_entry *e = &l->entries[l->links[in->first_link + i].entry];
            buf_add_char(b, ' ');
            add_bytes(b, l->heap + e->name, e->len);
        }
    }
}

/* A look-up finds the entry, and nothing that only begins like it. */
static void check_find(const struct layer *l, uint32_t dir, const struct index_entry *e,
                       struct buf *b)
{
    char name[257];
    memcpy(name, l->heap + e->name, e->len);
    name[e->len] = 1;
    const struct index_entry *longer = layer_find(l, dir, name, e->len + 1);
    if (layer_find(l, dir, name, e->len) != e)
        buf_add_str(b, INDEX_DUMP_WRONG " is not found");
    if ((longer && longer->len != e->len + 1) || layer_find(l, dir, name, 0))
        buf_add_str(b, INDEX_DUMP_WRONG " finds another");
}

static void dump_dir(const struct layer *l, uint32_t dir, struct buf *path, struct buf *ret)
{
    const struct index_inode *in = &l->inodes[dir];
    size_t len = path->len;
    for (uint32_t i = 0; i < in->count; i++) {
        const struct index_entry *e = &l->entries[in->first + i];
        buf_add_char(path, '/');
        add_bytes(path, l->heap + e->name, e->len);
        buf_add_str(ret, path->data);
        check_find(l, dir, e, ret);
        if (e->inode == INDEX_NO_INODE)
            buf_add_str(ret, " whiteout");
        else
            dump_inode(l, e->inode, ret);
        buf_add_char(ret, '\n');
        if (e->inode != INDEX_NO_INODE && S_ISDIR(l->inodes[e->inode].mode))
            dump_dir(l, e->inode, path, ret);
        buf_truncate(path, len);
    }
}

void index_dump(const struct layer *l, struct buf *ret)
{
    auto_buf path = {0};
    buf_add_char(ret, '/');
    dump_inode(l, 0, ret);
    buf_add_char(ret, '\n');
    buf_add_str(&path, "");
    dump_dir(l, 0, &path, ret);
}
