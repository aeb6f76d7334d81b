/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tree into its index file. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/index_tree_internal.h"

#include <string.h>
#include <sys/stat.h>

/* Numbers of what is reached from the root, in the order of the file. */
struct order {
    uint32_t *inodes; /* tree inode by file number */
    size_t n_inodes, cap_inodes;
    size_t n_dirs;
    struct index_entry *entries;
    size_t n_entries, cap_entries;
};

static void order_done(struct order *o)
{
    free(o->inodes);
    free(o->entries);
}
DEFINE_AUTO(order, order_done)

static int compare_names(const void *a, const void *b, void *heap)
{
    const struct index_entry *x = a, *y = b;
    int r =
        memcmp((char *)heap + x->name, (char *)heap + y->name, x->len < y->len ? x->len : y->len);
    return r ? r : (x->len > y->len) - (x->len < y->len);
}

static void number_inode(struct index_tree *t, struct order *o, uint32_t inode)
{
    if (t->inodes[inode].number != TREE_NONE)
        return;
    grow_array(o->inodes, o->n_inodes, o->cap_inodes);
    t->inodes[inode].number = (uint32_t)o->n_inodes;
    o->inodes[o->n_inodes++] = inode;
}

/* A name that the same layer also whites out stands for itself; as a directory it shows nothing of
 * the layers below. */
static void collect_entry(struct index_tree *t, struct order *o, const struct tree_entry *e)
{
    if (e->inode == TREE_NONE && !e->whiteout)
        return;
    if (e->inode != TREE_NONE && e->whiteout && S_ISDIR(t->inodes[e->inode].i.mode))
        t->inodes[e->inode].i.flags |= INDEX_OPAQUE;
    grow_array(o->entries, o->n_entries, o->cap_entries);
    o->entries[o->n_entries++] =
        (struct index_entry){.name = e->name, .len = e->len, .inode = e->inode};
}

/* Breadth first: all directories get their numbers, and each its run of sorted entries. The
 * entries still hold the tree's inode numbers. */
static void collect_dirs(struct index_tree *t, struct order *o)
{
    number_inode(t, o, 0);
    for (size_t d = 0; d < o->n_inodes; d++) {
        struct tree_inode *dir = &t->inodes[o->inodes[d]];
        size_t first = o->n_entries;
        for (uint32_t n = dir->first_entry; n != TREE_NONE; n = t->entries[n].next_in_dir)
            collect_entry(t, o, &t->entries[n]);
        dir->i.first = (uint32_t)first;
        dir->i.count = (uint32_t)(o->n_entries - first);
        dir->i.size = 0;
        if (dir->i.count)
            qsort_r(o->entries + first, dir->i.count, sizeof(*o->entries), compare_names,
                    t->names.data);
        for (size_t i = first; i < o->n_entries; i++) {
            struct index_entry *e = &o->entries[i];
            e->dir = (uint32_t)d;
            if (e->inode != TREE_NONE && S_ISDIR(t->inodes[e->inode].i.mode)) {
                t->inodes[e->inode].i.entry = (uint32_t)i;
                number_inode(t, o, e->inode);
            }
        }
    }
    o->n_dirs = o->n_inodes;
}

static void number_files(struct index_tree *t, struct order *o)
{
    for (size_t i = 0; i < o->n_entries; i++) {
        struct index_entry *e = &o->entries[i];
        if (e->inode == TREE_NONE) {
            e->inode = INDEX_NO_INODE;
            continue;
        }
        number_inode(t, o, e->inode);
        e->inode = t->inodes[e->inode].number;
    }
}

static uint32_t subdirs(const struct index_tree *t, const struct order *o,
                        const struct index_inode *dir)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < dir->count; i++) {
        uint32_t inode = o->entries[dir->first + i].inode;
        n += inode != INDEX_NO_INODE && S_ISDIR(t->inodes[o->inodes[inode]].i.mode);
    }
    return n;
}

/* Counts the names that are really there, and lists them for each inode with more than one. */
static size_t collect_links(struct index_tree *t, struct order *o, struct index_link **ret)
{
    uint32_t *names = xcalloc(o->n_inodes, sizeof(*names));
    for (size_t i = 0; i < o->n_entries; i++)
        if (o->entries[i].inode != INDEX_NO_INODE)
            names[o->entries[i].inode]++;
    size_t n = 0;
    for (size_t i = 0; i < o->n_inodes; i++) {
        struct index_inode *in = &t->inodes[o->inodes[i]].i;
        in->nlink = S_ISDIR(in->mode) ? 2 + subdirs(t, o, in) : names[i];
        bool several = !S_ISDIR(in->mode) && in->nlink > 1;
        in->first_link = several ? (uint32_t)n : 0;
        if (several)
            n += in->nlink;
        names[i] = 0;
    }
    struct index_link *links = xcalloc(n, sizeof(*links));
    for (size_t i = 0; i < o->n_entries; i++) {
        uint32_t inode = o->entries[i].inode;
        if (inode == INDEX_NO_INODE)
            continue;
        const struct index_inode *in = &t->inodes[o->inodes[inode]].i;
        if (!S_ISDIR(in->mode) && in->nlink > 1)
            links[in->first_link + names[inode]++].entry = (uint32_t)i;
    }
    free(names);
    *ret = links;
    return n;
}

static struct index_table place(struct buf *out, const void *data, size_t count, size_t size)
{
    struct index_table table = {.offset = out->len, .count = count};
    buf_add(out, data, count * size);
    while (out->len % 8)
        buf_add_char(out, 0);
    return table;
}

static void fill(struct index_tree *t, struct order *o, uint64_t tar_size, struct buf *out)
{
    struct index_header h = {.magic = INDEX_MAGIC,
                             .version = INDEX_VERSION,
                             .header_size = sizeof(h),
                             .tar_size = tar_size};
    struct index_link *links;
    size_t n_links = collect_links(t, o, &links);
    struct index_inode *inodes = xcalloc(o->n_inodes, sizeof(*inodes));
    for (size_t i = 0; i < o->n_inodes; i++) {
        inodes[i] = t->inodes[o->inodes[i]].i;
        if (S_ISREG(inodes[i].mode))
            h.content_size += inodes[i].size;
    }
    buf_add(out, &h, sizeof(h));
    h.inodes = place(out, inodes, o->n_inodes, sizeof(*inodes));
    h.entries = place(out, o->entries, o->n_entries, sizeof(*o->entries));
    h.extents = place(out, t->extents, t->n_extents, sizeof(*t->extents));
    h.xattrs = place(out, t->xattrs, t->n_xattrs, sizeof(*t->xattrs));
    h.links = place(out, links, n_links, sizeof(*links));
    h.heap = place(out, t->names.data, t->names.len, 1);
    h.file_size = out->len;
    memcpy(out->data, &h, sizeof(h));
    h.checksum = index_checksum((void *)out->data, out->len);
    memcpy(out->data, &h, sizeof(h));
    free(inodes);
    free(links);
}

int index_tree_write(struct index_tree *t, uint64_t tar_size, int fd, struct layer_index_stats *ret,
                     struct err *err)
{
    auto_done(order) struct order o = {0};
    auto_buf out = {0};
    collect_dirs(t, &o);
    number_files(t, &o);
    fill(t, &o, tar_size, &out);
    int r = write_full(fd, out.data, out.len);
    if (r < 0)
        return err_errno(err, r, "write the layer index");
    struct index_header h;
    memcpy(&h, out.data, sizeof(h));
    *ret = (struct layer_index_stats){.entries = o.n_entries, .size = h.content_size};
    return 0;
}
