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
#include <sys/mman.h>
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

static int spool_data(struct archive *a, struct err *err)
{
    auto_close int fd = memfd_create("unpack", MFD_CLOEXEC);
    if (fd < 0)
        return err_errno(err, -errno, "temporary file");
    if (archive_read_data_into_fd(a, fd) != ARCHIVE_OK)
        return err_set(err, -EIO, "%s", archive_error_string(a));
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_errno(err, -errno, "temporary file");
    return take_fd(&fd);
}

/* A hard link becomes a copy of the file it names: an overlay's path interface has no links. */
static int put_hard_link(struct overlay *to, const char *from, const char *path, struct err *err)
{
    struct stat st;
    int r = overlay_stat(to, from, OVERLAY_NOFOLLOW, &st);
    if (r < 0 || !S_ISREG(st.st_mode))
        return err_errno(err, r < 0 ? r : -EINVAL, "hard link %s to %s", path, from);
    auto_close int fd = memfd_create("unpack", MFD_CLOEXEC);
    auto_free char *chunk = xcalloc(1, 1 << 18);
    ssize_t n;
    for (uint64_t at = 0; (n = overlay_read(to, from, chunk, 1 << 18, at)) > 0; at += (uint64_t)n)
        if ((r = write_full(fd, chunk, (size_t)n)) < 0)
            return err_errno(err, r, "copy %s", from);
    if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_errno(err, n < 0 ? (int)n : -errno, "copy %s", from);
    struct overlay_attr a = {
        .uid = st.st_uid, .gid = st.st_gid, .mode = st.st_mode, .mtime = st.st_mtim};
    return overlay_put_file(to, path, &a, fd, err);
}

static int put_directory(struct overlay *to, const char *path, const struct overlay_attr *attr,
                         struct err *err)
{
    struct stat st;
    if (overlay_stat(to, path, 0, &st) == 0 && S_ISDIR(st.st_mode))
        return overlay_set_attr(to, path, attr, err);
    return overlay_mkdirs(to, path, attr, err);
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

static int put_entry(struct archive *a, struct archive_entry *e, struct overlay *to,
                     const char *dest, const char *path, const struct copy_attr *owner,
                     struct err *err)
{
    const char *hard = archive_entry_hardlink(e);
    if (hard) {
        auto_free char *from = target_of(dest, hard);
        return from ? put_hard_link(to, from, path, err)
                    : err_set(err, -EINVAL, "hard link %s leaves the archive", hard);
    }
    struct overlay_attr attr = attributes(e, owner);
    switch (archive_entry_filetype(e)) {
    case AE_IFDIR: return put_directory(to, path, &attr, err);
    case AE_IFLNK: return overlay_put_symlink(to, path, archive_entry_symlink(e), &attr, err);
    case AE_IFREG: {
        auto_close int fd = spool_data(a, err);
        return fd < 0 ? fd : overlay_put_file(to, path, &attr, fd, err);
    }
    default: return overlay_put_node(to, path, &attr, archive_entry_rdev(e), err);
    }
}

static int unpack_entry(struct archive *a, struct archive_entry *e, struct overlay *to,
                        const char *dest, const struct copy_attr *owner, struct err *err)
{
    const char *name = archive_entry_pathname(e);
    auto_free char *path = name ? target_of(dest, name) : NULL;
    if (!path)
        return err_set(err, -EINVAL, "the archive has a name that leaves it: %s",
                       name ? name : "(not representable)");
    if (strcmp(path, dest) == 0)
        return 0; /* "./": the destination itself keeps its attributes */
    auto_free char *dir = NULL, *last = NULL;
    path_split(path, &dir, &last);
    struct overlay_attr parent = {.mode = 0755, .mtime = time_now()};
    int r = overlay_mkdirs(to, dir, &parent, err);
    if (r == 0)
        r = put_entry(a, e, to, dest, path, owner, err);
    if (r == 0 && !archive_entry_hardlink(e) && archive_entry_filetype(e) != AE_IFLNK)
        r = put_xattrs(to, path, e, err);
    return r;
}

int unpack_into(struct overlay *to, const char *dest, int fd, const struct copy_attr *owner,
                struct err *err)
{
    auto_archive a = open_archive(fd);
    if (!a)
        return err_set(err, -EINVAL, "not an archive");
    for (;;) {
        struct archive_entry *e;
        int r = archive_read_next_header(a, &e);
        if (r == ARCHIVE_EOF)
            return 0;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return err_set(err, -EINVAL, "%s", archive_error_string(a));
        r = unpack_entry(a, e, to, dest, owner, err);
        if (r < 0)
            return r;
    }
}
