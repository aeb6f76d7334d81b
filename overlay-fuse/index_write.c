/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the index of a layer's tar, with libarchive.
 *
 * Theory of operation. The tar goes by once, block by block, and is read to its end, so that
 * whoever has the bytes on their way to somewhere else (store/layer_writer.c) indexes them in
 * passing. An uncompressed tar needs no conversion: when libarchive hands out a piece of a file,
 * what it has consumed of its only input so far is where that piece lies in the tar. That it does
 * lie inside is checked at the end.
 *
 * An access list may name users that only the layer's own etc/passwd knows, which may come later
 * (index_names.h). A stream cannot go back: then the caller is told to have the index written from
 * the file. */
#include "overlay-fuse/layer_index.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "overlay-fuse/index_acl.h"
#include "overlay-fuse/index_format.h"
#include "overlay-fuse/index_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK (256 * 1024)

struct reader {
    struct archive *archive;
    layer_index_next_fn next;
    void *arg;
    uint64_t size;     /* of what went by */
    uint64_t data_end; /* of the last piece of a file */
    bool ended;
    int failed; /* what `next` said */
    struct err *err;
    struct index_tree *tree;
    struct index_extent *extents; /* of the entry at hand */
    size_t n_extents, cap_extents;
    struct index_tree_xattr *xattrs;
    size_t n_xattrs, cap_xattrs;
    struct acl acl;
    struct index_names names;
    uint64_t entries;
};

static void reader_done(struct reader *r)
{
    if (r->archive)
        archive_read_free(r->archive);
    if (r->tree)
        index_tree_free(r->tree);
    free(r->extents);
    free(r->xattrs);
    index_names_done(&r->names);
}
DEFINE_AUTO(reader, reader_done)

static const char *complaint(struct reader *r)
{
    const char *s = archive_error_string(r->archive);
    return s ? s : "unknown error";
}

static int add_extent(struct reader *r, const char *path, uint64_t file_size,
                      const struct index_extent *x, struct err *err)
{
    uint64_t end = 0;
    struct index_extent *last = r->n_extents ? &r->extents[r->n_extents - 1] : NULL;
    if (last)
        end = last->start + last->len;
    if (x->start < end || x->start > file_size || x->len > file_size - x->start)
        return err_set(err, -EINVAL, "entry \"%s\" has data outside of its size", path);
    if (last && x->start == end && x->tar_offset == last->tar_offset + last->len) {
        last->len += x->len;
        return 0;
    }
    grow_array(r->extents, r->n_extents, r->cap_extents);
    r->extents[r->n_extents++] = *x;
    return 0;
}

/* Where the bytes of the current regular file lie. */
static int read_extents(struct reader *r, const char *path, uint64_t file_size, struct err *err)
{
    r->n_extents = 0;
    for (;;) {
        const void *p;
        size_t len;
        int64_t start;
        int got = archive_read_data_block(r->archive, &p, &len, &start);
        if (got == ARCHIVE_EOF)
            return 0;
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
            return err_set(err, -EINVAL, "entry \"%s\": %s", path, complaint(r));
        if (len == 0)
            continue;
        int64_t at = archive_filter_bytes(r->archive, 0);
        if (start < 0 || at < 0)
            return err_set(err, -EINVAL, "entry \"%s\" has negative offsets", path);
        struct index_extent x = {.start = (uint64_t)start, .len = len, .tar_offset = (uint64_t)at};
        int e = add_extent(r, path, file_size, &x, err);
        if (e < 0)
            return e;
        r->data_end = x.tar_offset + x.len;
    }
}

static struct index_tree_xattr *find_xattr(struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->n_xattrs; i++)
        if (strcmp(r->xattrs[i].name, name) == 0)
            return &r->xattrs[i];
    return NULL;
}

static void add_xattr(struct reader *r, const char *name, const void *value, size_t len)
{
    grow_array(r->xattrs, r->n_xattrs, r->cap_xattrs);
    r->xattrs[r->n_xattrs++] = (struct index_tree_xattr){name, value, len};
}

static void read_xattrs(struct reader *r, struct archive_entry *e)
{
    const char *name;
    const void *value;
    size_t len;
    r->n_xattrs = 0;
    archive_entry_xattr_reset(e);
    while (archive_entry_xattr_next(e, &name, &value, &len) == ARCHIVE_OK) {
        if (!name)
            continue;
        struct index_tree_xattr *same = find_xattr(r, name);
        if (same) /* the last counts */
            *same = (struct index_tree_xattr){name, value, len};
        else
            add_xattr(r, name, value, len);
        if (r->n_xattrs > 2048) /* more than is accepted: no quadratic work on hostile input */
            return;
    }
}

/* A list that the tar has as text, unless it has it as an attribute too, which is exact. With a
 * text libarchive takes the group's bits from the list, where the kernel shows the mask. */
static void read_acls(struct reader *r, struct archive_entry *e, struct index_object *o)
{
    int types = S_ISLNK(o->mode) ? 0 : archive_entry_acl_types(e);
    bool minimal;
    size_t len;
    if (types & ARCHIVE_ENTRY_ACL_TYPE_ACCESS) {
        if (!find_xattr(r, ACL_ACCESS) &&
            (len = index_acl_list(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &r->names, r->acl.access)) > 0)
            add_xattr(r, ACL_ACCESS, r->acl.access, len);
        const struct index_tree_xattr *x = find_xattr(r, ACL_ACCESS);
        if (!x || acl_to_mode(x->value, x->len, &o->mode, &minimal) < 0)
            o->mode = (o->mode & ~(mode_t)07777) | (index_acl_mode(e) & 07777);
    }
    if (types & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT && S_ISDIR(o->mode) && !find_xattr(r, ACL_DEFAULT) &&
        (len = index_acl_list(e, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, &r->names, r->acl.deflt)) > 0)
        add_xattr(r, ACL_DEFAULT, r->acl.deflt, len);
}

static int check_numbers(const char *path, struct archive_entry *e, struct err *err)
{
    int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return err_set(err, -EINVAL, "entry \"%s\" has an owner out of range", path);
    if (archive_entry_size(e) < 0)
        return err_set(err, -EINVAL, "entry \"%s\" has a size out of range", path);
    return 0;
}

static int add_object(struct reader *r, const char *path, struct archive_entry *e, struct err *err)
{
    int n = check_numbers(path, e, err);
    if (n < 0)
        return n;
    long nsec = archive_entry_mtime_nsec(e);
    struct index_object o = {
        .mode = archive_entry_filetype(e) | (archive_entry_perm(e) & 07777),
        .uid = (uint32_t)archive_entry_uid(e),
        .gid = (uint32_t)archive_entry_gid(e),
        .mtime = {archive_entry_mtime(e), nsec >= 0 && nsec < 1000000000 ? nsec : 0},
        .target = archive_entry_symlink(e),
    };
    switch (o.mode & S_IFMT) {
    case S_IFREG:
        o.size = (uint64_t)archive_entry_size(e);
        n = read_extents(r, path, o.size, err);
        if (n < 0)
            return n;
        o.extents = r->extents;
        o.n_extents = r->n_extents;
        break;
    case S_IFCHR:
    case S_IFBLK:
        o.dev_major = (uint32_t)archive_entry_rdevmajor(e);
        o.dev_minor = (uint32_t)archive_entry_rdevminor(e);
        break;
    case S_IFDIR:
    case S_IFLNK:
    case S_IFIFO:
    case S_IFSOCK: break;
    default: return err_set(err, -EINVAL, "entry \"%s\" is of an unknown type", path);
    }
    read_xattrs(r, e);
    read_acls(r, e, &o);
    o.xattrs = r->xattrs;
    o.n_xattrs = r->n_xattrs;
    return index_tree_add(r->tree, path, &o, err);
}

static int add_entry(struct reader *r, struct archive_entry *e, struct err *err)
{
    const char *path = archive_entry_pathname(e), *link = archive_entry_hardlink(e);
    if (!path)
        return err_set(err, -EINVAL, "the name of entry %llu cannot be read",
                       (unsigned long long)r->entries);
    return link ? index_tree_link(r->tree, path, link, err) : add_object(r, path, e, err);
}

/* The next block for libarchive, which asks no more once there is none. */
static la_ssize_t next_block(struct archive *a, void *arg, const void **ret)
{
    struct reader *r = arg;
    ssize_t n = r->ended ? 0 : r->next(r->arg, ret, r->err);
    r->ended = n <= 0;
    if (n >= 0) {
        r->size += (uint64_t)n;
        return n;
    }
    r->failed = (int)n;
    archive_set_error(a, -(int)n, "the tar cannot be read");
    return ARCHIVE_FATAL;
}

static int read_entries(struct reader *r, struct err *err)
{
    for (;;) {
        struct archive_entry *e;
        int got = archive_read_next_header(r->archive, &e);
        if (got == ARCHIVE_EOF)
            return 0;
        if (got == ARCHIVE_RETRY)
            continue;
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
            return err_set(err, -EINVAL, "damaged tar behind entry %llu: %s",
                           (unsigned long long)r->entries, complaint(r));
        r->entries++;
        int n = add_entry(r, e, err);
        if (n < 0)
            return n;
    }
}

/* Also what stands behind the end of the archive. */
static int read_all(struct reader *r, struct err *err)
{
    struct err said = {0};
    r->archive = archive_read_new();
    if (!r->archive)
        return err_set(err, -ENOMEM, "libarchive cannot start");
    archive_read_support_format_tar(r->archive);
    archive_read_support_format_empty(r->archive);
    int n = archive_read_open(r->archive, r, NULL, next_block, NULL) == ARCHIVE_OK
                ? read_entries(r, &said)
                : err_set(&said, -EINVAL, "not a tar: %s", complaint(r));
    const void *rest;
    while (n == 0 && !r->ended)
        if (next_block(r->archive, r, &rest) < 0)
            break;
    if (r->failed)
        return r->failed; /* *r->err says why */
    if (n == 0 && r->data_end > r->size)
        n = err_set(&said, -EINVAL, "damaged tar: data lies behind its end");
    return n < 0 ? err_set(err, n, "%s", said.message) : 0;
}

/* libarchive converts names to the locale's character set, so it must be one that has them all.
 * Only this thread sees the change. */
static int read_in_utf8(struct reader *r, struct err *err)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        return err_set(err, -ENOENT, "the locale C.UTF-8 is missing on this machine");
    locale_t before = uselocale(utf8);
    int n = read_all(r, err);
    uselocale(before);
    freelocale(utf8);
    return n;
}

static int write_index(struct reader *r, int index_fd, struct layer_index_stats *ret,
                       struct err *err)
{
    struct err local;
    r->err = err ? err : &local;
    r->tree = index_tree_new();
    int n = read_in_utf8(r, err);
    if (n == 0 && r->names.out_of_reach)
        return err_set(err, -EAGAIN, "an access list names users: the tar is needed twice");
    return n < 0 ? n : index_tree_write(r->tree, r->size, index_fd, ret, err);
}

int layer_index_stream(layer_index_next_fn next, void *arg, int index_fd,
                       struct layer_index_stats *ret, struct err *err)
{
    auto_done(reader) struct reader r = {.next = next, .arg = arg, .names = {.fd = -1}};
    return write_index(&r, index_fd, ret, err);
}

struct file_blocks {
    int fd;
    off_t at;
    char *block;
};

static ssize_t next_of_file(void *arg, const void **ret, struct err *err)
{
    struct file_blocks *f = arg;
    ssize_t n = pread_full(f->fd, f->block, BLOCK, f->at);
    if (n < 0)
        return err_errno(err, (int)n, "read the layer tar");
    f->at += n;
    *ret = f->block;
    return n;
}

int layer_index_write(int tar_fd, int index_fd, struct layer_index_stats *ret, struct err *err)
{
    struct stat st;
    if (fstat(tar_fd, &st) < 0)
        return err_errno(err, -errno, "layer tar");
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "the layer tar is not a regular file");
    auto_free char *block = xcalloc(1, BLOCK);
    struct file_blocks f = {.fd = tar_fd, .block = block};
    auto_done(reader) struct reader r = {.next = next_of_file, .arg = &f, .names = {.fd = tar_fd}};
    return write_index(&r, index_fd, ret, err);
}
