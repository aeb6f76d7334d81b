/* SPDX-License-Identifier: Apache-2.0 */
/* ADD of a local tar. The overlay resolves every path inside the image, so a hostile archive can at
 * most write into the image it is added to. */
#include "engine/unpack.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <unistd.h>

static inline void cleanup_archive(struct archive **a)
{
    archive_read_free(*a);
}
#define auto_archive __attribute__((cleanup(cleanup_archive))) struct archive *

static struct archive *open_archive(int fd)
{
    struct archive *a = archive_read_new();
    archive_read_support_format_tar(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    if (archive_read_open_fd(a, fd, 1 << 16) != ARCHIVE_OK) {
        archive_read_free(a);
        return NULL;
    }
    return a;
}

bool unpack_is_archive(int fd)
{
    auto_archive a = open_archive(fd);
    struct archive_entry *e;
    int r = a ? archive_read_next_header(a, &e) : ARCHIVE_FATAL;
    lseek(fd, 0, SEEK_SET);
    /* libarchive takes an all-zero or empty file for an empty tar: docker copies those as files. */
    return r == ARCHIVE_OK || r == ARCHIVE_WARN;
}

static struct overlay_attr attributes(struct archive_entry *e, const struct copy_attr *owner)
{
    struct overlay_attr a = {
        .uid = owner ? owner->uid : (uid_t)archive_entry_uid(e),
        .gid = owner ? owner->gid : (gid_t)archive_entry_gid(e),
        .mode = archive_entry_mode(e),
        .mtime = {.tv_sec = archive_entry_mtime(e), .tv_nsec = archive_entry_mtime_nsec(e)},
    };
    return a;
}

/* The entry's path below `dest`, or NULL for one that climbs. */
static char *target_of(const char *dest, const char *name)
{
    auto_strv parts = {0};
    strv_split(&parts, name, '/');
    if (strv_contains(&parts, ".."))
        return NULL;
    while (*name == '/')
        name++;
    return path_join(dest, name);
}

/* What one archive is unpacked with. */
struct unpack {
    struct overlay *to;
    const char *dest;
    const struct build_source *from;
    const struct copy_attr *owner;
    struct archive *a;
    struct strv dirs; /* directories, whose times are set again at the end: entries change them */
    struct overlay_attr *dir_attrs;
    size_t cap;
};

static void unpack_done(struct unpack *u)
{
    if (u->a)
        archive_read_free(u->a);
    strv_done(&u->dirs);
    free(u->dir_attrs);
}
DEFINE_AUTO(unpack, unpack_done)

static int spool_data(const struct unpack *u, struct err *err)
{
    auto_close int fd = source_spool(u->from);
    if (fd < 0)
        return err_errno(err, fd, "temporary file");
    if (archive_read_data_into_fd(u->a, fd) != ARCHIVE_OK)
        return err_set(err, -EIO, "%s", archive_error_string(u->a));
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_errno(err, -errno, "temporary file");
    return take_fd(&fd);
}

static int put_directory(struct unpack *u, const char *path, const struct overlay_attr *attr,
                         struct err *err)
{
    struct stat st;
    int r;
    if (overlay_stat(u->to, path, 0, &st) == 0 && S_ISDIR(st.st_mode))
        r = overlay_set_attr(u->to, path, attr, err);
    else
        r = overlay_mkdirs(u->to, path, attr, err);
    if (r < 0)
        return r;
    grow_array(u->dir_attrs, u->dirs.len, u->cap);
    u->dir_attrs[u->dirs.len] = *attr;
    strv_add(&u->dirs, path);
    return 0;
}

/* A later entry may have put something else in a directory's place. */
static int restore_times(const struct unpack *u, struct err *err)
{
    for (size_t i = u->dirs.len; i-- > 0;) {
        struct stat st;
        int r = overlay_stat(u->to, u->dirs.v[i], 0, &st);
        if (r < 0 || !S_ISDIR(st.st_mode))
            continue;
        if ((r = overlay_set_attr(u->to, u->dirs.v[i], &u->dir_attrs[i], err)) < 0)
            return r;
    }
    return 0;
}

static int put_xattrs(struct overlay *to, const char *path, struct archive_entry *e,
                      struct err *err)
{
    const char *name;
    const void *value;
    size_t len;
    for (archive_entry_xattr_reset(e); archive_entry_xattr_next(e, &name, &value, &len) == 0;) {
        int r = overlay_set_xattr(to, path, name, value, len, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int put_entry(struct unpack *u, struct archive_entry *e, const char *path, struct err *err)
{
    const char *hard = archive_entry_hardlink(e);
    if (hard) {
        auto_free char *from = target_of(u->dest, hard);
        return from ? overlay_put_link(u->to, path, from, err)
                    : err_set(err, -EINVAL, "hard link %s leaves the archive", hard);
    }
    struct overlay_attr attr = attributes(e, u->owner);
    switch (archive_entry_filetype(e)) {
    case AE_IFDIR: return put_directory(u, path, &attr, err);
    case AE_IFLNK: return overlay_put_symlink(u->to, path, archive_entry_symlink(e), &attr, err);
    case AE_IFREG: {
        auto_close int fd = spool_data(u, err);
        return fd < 0 ? fd : overlay_put_file(u->to, path, &attr, fd, err);
    }
    default: return overlay_put_node(u->to, path, &attr, archive_entry_rdev(e), err);
    }
}

static int unpack_entry(struct unpack *u, struct archive_entry *e, struct err *err)
{
    const char *name = archive_entry_pathname(e);
    auto_free char *path = name ? target_of(u->dest, name) : NULL;
    if (!path)
        return err_set(err, -EINVAL, "the archive has a name that leaves it: %s",
                       name ? name : "(not representable)");
    if (strcmp(path, u->dest) == 0)
        return 0; /* "./": the destination itself keeps its attributes */
    auto_free char *dir = NULL, *last = NULL;
    path_split(path, &dir, &last);
    struct overlay_attr parent = {.mode = 0755, .mtime = time_now()};
    int r = overlay_mkdirs(u->to, dir, &parent, err);
    if (r == 0)
        r = put_entry(u, e, path, err);
    if (r == 0 && !archive_entry_hardlink(e) && archive_entry_filetype(e) != AE_IFLNK)
        r = put_xattrs(u->to, path, e, err);
    return r;
}

int unpack_into(struct overlay *to, const char *dest, int fd, const struct build_source *from,
                const struct copy_attr *owner, struct err *err)
{
    auto_done(unpack) struct unpack u = {.to = to, .dest = dest, .from = from, .owner = owner};
    u.a = open_archive(fd);
    if (!u.a)
        return err_set(err, -EINVAL, "not an archive");
    for (;;) {
        struct archive_entry *e;
        int r = archive_read_next_header(u.a, &e);
        if (r == ARCHIVE_EOF)
            return restore_times(&u, err);
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return err_set(err, -EINVAL, "%s", archive_error_string(u.a));
        r = unpack_entry(&u, e, err);
        if (r < 0)
            return r;
    }
}
