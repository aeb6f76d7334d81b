/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the index of a layer's tar, with libarchive.
 *
 * Theory of operation. The whole tar is mapped and given to libarchive as one block of memory. An
 * uncompressed tar needs no conversion, so the data blocks that libarchive hands out are pointers
 * into the mapping, and their distance from its start is the offset in the tar. That every pointer
 * does lie inside is checked. */
#include "overlay-fuse/layer_index.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "overlay-fuse/index_acl.h"
#include "overlay-fuse/index_format.h"
#include "overlay-fuse/index_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct reader {
    struct archive *archive;
    const uint8_t *map;
    uint64_t size;
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
        const uint8_t *b = p;
        if (b < r->map || b > r->map + r->size || len > (size_t)(r->map + r->size - b))
            return err_set(err, -EINVAL, "entry \"%s\": its data does not lie in the tar as it is",
                           path);
        struct index_extent x = {
            .start = (uint64_t)start, .len = len, .tar_offset = (uint64_t)(b - r->map)};
        int e = start < 0 ? err_set(err, -EINVAL, "entry \"%s\" has negative offsets", path)
                          : add_extent(r, path, file_size, &x, err);
        if (e < 0)
            return e;
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

static int read_all(struct reader *r, struct err *err)
{
    r->archive = archive_read_new();
    if (!r->archive)
        return err_set(err, -ENOMEM, "libarchive cannot start");
    archive_read_support_format_tar(r->archive);
    archive_read_support_format_empty(r->archive);
    if (archive_read_open_memory(r->archive, r->map, r->size) != ARCHIVE_OK)
        return err_set(err, -EINVAL, "not a tar: %s", complaint(r));
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

int layer_index_write(int tar_fd, int index_fd, struct layer_index_stats *ret, struct err *err)
{
    struct stat st;
    if (fstat(tar_fd, &st) < 0)
        return err_errno(err, -errno, "layer tar");
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "the layer tar is not a regular file");
    auto_done(reader) struct reader r = {.size = (uint64_t)st.st_size, .tree = index_tree_new()};
    int n = 0;
    if (r.size) {
        void *map = mmap(NULL, r.size, PROT_READ, MAP_SHARED, tar_fd, 0);
        if (map == MAP_FAILED)
            return err_errno(err, -errno, "map the layer tar");
        madvise(map, r.size, MADV_SEQUENTIAL);
        r.map = map;
        r.names = (struct index_names){.tar = map, .size = r.size};
        n = read_in_utf8(&r, err);
        munmap(map, r.size);
    }
    return n < 0 ? n : index_tree_write(r.tree, r.size, index_fd, ret, err);
}
