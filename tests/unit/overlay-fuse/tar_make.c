/* SPDX-License-Identifier: Apache-2.0 */
/* Tars for tests. */
#include "tests/unit/overlay-fuse/tar_make.h"

#include "base/file.h"
#include "overlay-fuse/layer_index.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>

static la_ssize_t append(struct archive *a, void *arg, const void *data, size_t len)
{
    buf_add(arg, data, len);
    return (la_ssize_t)len;
}

static size_t data_len(const struct tar_entry *t)
{
    return t->len ? t->len : t->data ? strlen(t->data) : 0;
}

static void fill(struct archive_entry *e, const struct tar_entry *t)
{
    archive_entry_copy_pathname(e, t->path);
    archive_entry_set_mode(e, t->mode ? t->mode : S_IFREG | 0644);
    archive_entry_set_uid(e, t->uid);
    archive_entry_set_gid(e, t->gid);
    archive_entry_set_mtime(e, t->mtime.tv_sec, t->mtime.tv_nsec);
    archive_entry_set_size(e, t->mode ? (int64_t)data_len(t) : 0);
    if (!t->mode)
        archive_entry_copy_hardlink(e, t->target);
    else if (S_ISLNK(t->mode))
        archive_entry_copy_symlink(e, t->target);
    if (S_ISCHR(t->mode) || S_ISBLK(t->mode)) {
        archive_entry_set_rdevmajor(e, t->major);
        archive_entry_set_rdevminor(e, t->minor);
    }
    for (const struct tar_xattr *x = t->xattrs; x && x->name; x++)
        archive_entry_xattr_add_entry(e, x->name, x->value, strlen(x->value));
    for (const struct tar_run *r = t->runs; r && r->len; r++)
        archive_entry_sparse_add_entry(e, r->start, r->len);
}

static int write_one(struct archive *a, const struct tar_entry *t)
{
    struct archive_entry *e = archive_entry_new();
    fill(e, t);
    int r = archive_write_header(a, e);
    archive_entry_free(e);
    if (r != ARCHIVE_OK || !t->mode || !data_len(t))
        return r;
    return archive_write_data(a, t->data, data_len(t)) < 0 ? ARCHIVE_FATAL : ARCHIVE_OK;
}

int tar_make(const struct tar_entry *entries, size_t n, struct buf *ret, struct err *err)
{
    struct archive *a = archive_write_new();
    int r = 0;
    archive_write_set_format_pax(a);
    archive_write_set_format_option(a, "pax", "hdrcharset", "BINARY");
    archive_write_set_format_option(a, "pax", "xattrheader", "SCHILY");
    archive_write_set_bytes_in_last_block(a, 1);
    if (archive_write_open(a, ret, NULL, append, NULL) != ARCHIVE_OK)
        r = -EIO;
    for (size_t i = 0; i < n && r == 0; i++)
        if (write_one(a, &entries[i]) != ARCHIVE_OK)
            r = -EIO;
    if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
        r = -EIO;
    if (r < 0)
        err_set(err, r, "write a tar: %s", archive_error_string(a));
    archive_write_free(a);
    return r;
}

void tar_header(struct buf *ret, const char *name, char type, uint64_t size, const char *link)
{
    char h[512] = {0};
    unsigned sum = 0;
    memcpy(h, name, strnlen(name, 100));
    memcpy(h + 100, "0000644", 7);
    memcpy(h + 108, "0000000", 7);
    memcpy(h + 116, "0000000", 7);
    snprintf(h + 124, 12, "%011llo", (unsigned long long)size);
    memcpy(h + 136, "00000000000", 11);
    memset(h + 148, ' ', 8);
    h[156] = type;
    if (link)
        memcpy(h + 157, link, strnlen(link, 100));
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof(h); i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    buf_add(ret, h, sizeof(h));
}

void tar_data(struct buf *ret, const void *data, size_t len)
{
    buf_add(ret, data, len);
    while (ret->len % 512)
        buf_add_char(ret, 0);
}

int tar_save(int dirfd, const char *name, const void *data, size_t len)
{
    auto_close int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : write_full(fd, data, len);
}

int tar_index(int dirfd, const char *tar, const char *index, struct err *err)
{
    auto_close int in = openat(dirfd, tar, O_RDONLY | O_CLOEXEC);
    auto_close int out = openat(dirfd, index, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct layer_index_stats stats;
    if (in < 0 || out < 0)
        return err_errno(err, -errno, "open %s or %s", tar, index);
    return layer_index_write(in, out, &stats, err);
}
