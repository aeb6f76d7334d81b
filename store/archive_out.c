/* SPDX-License-Identifier: Apache-2.0 */
/* Where a saved image goes. */
#include "store/archive_out.h"

#include "base/alloc.h"
#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>

#define BLOCK (256 * 1024)

struct archive_out {
    int fd;
    struct archive *archive; /* NULL: a directory */
    int file;                /* open in the directory */
    int failed;              /* what writing said under libarchive */
    bool given_up;           /* what libarchive still has is not to be written */
};

static la_ssize_t write_block(struct archive *a, void *arg, const void *data, size_t len)
{
    struct archive_out *o = arg;
    if (o->given_up)
        return (la_ssize_t)len;
    int r = write_full(o->fd, data, len);
    if (r == 0)
        return (la_ssize_t)len;
    o->failed = r;
    archive_set_error(a, -r, "%s", strerror(-r));
    return -1;
}

static int failed(const struct archive_out *o, struct err *err)
{
    if (o->failed)
        return err_errno(err, o->failed, "write");
    return err_set(err, -EIO, "write: %s", archive_error_string(o->archive));
}

/* pax, and plain ustar as long as that can hold an entry. */
static int open_archive(struct archive_out *o, struct err *err)
{
    struct archive *a = o->archive = archive_write_new();
    if (!a || archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(a, BLOCK) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
        archive_write_open(a, o, NULL, write_block, NULL) != ARCHIVE_OK)
        return err_set(err, -EIO, "write a tar: %s", a ? archive_error_string(a) : "no memory");
    return 0;
}

int archive_out_new(int fd, struct archive_out **ret, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, -errno, "write");
    auto_ptr(archive_out) struct archive_out *o = new0(struct archive_out);
    o->fd = fd;
    o->file = -1;
    int r = S_ISDIR(st.st_mode) ? 0 : open_archive(o, err);
    if (r == 0)
        *ret = take_ptr(o);
    return r;
}

void archive_out_free(struct archive_out *o)
{
    close_fd(&o->file);
    if (o->archive) {
        o->given_up = true; /* or freeing would write the end of the archive */
        archive_write_free(o->archive);
    }
    free(o);
}

static int write_header(struct archive_out *o, const char *name, mode_t mode, int64_t size,
                        struct err *err)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_copy_pathname(e, name);
    archive_entry_set_mode(e, mode);
    archive_entry_set_size(e, size);
    archive_entry_set_mtime(e, 0, 0);
    int r = archive_write_header(o->archive, e) == ARCHIVE_OK ? 0 : failed(o, err);
    archive_entry_free(e);
    return r;
}

int archive_out_directory(struct archive_out *o, const char *name, struct err *err)
{
    if (o->archive)
        return write_header(o, name, S_IFDIR | 0755, 0, err);
    return mkdirat(o->fd, name, 0777) < 0 ? err_errno(err, -errno, "mkdir %s", name) : 0;
}

int archive_out_begin(struct archive_out *o, const char *name, int64_t size, struct err *err)
{
    if (o->archive)
        return write_header(o, name, S_IFREG | 0644, size, err);
    o->file = openat(o->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return o->file < 0 ? err_errno(err, -errno, "create %s", name) : 0;
}

int archive_out_data(struct archive_out *o, const void *data, size_t len, struct err *err)
{
    if (o->archive)
        return archive_write_data(o->archive, data, len) == (la_ssize_t)len ? 0 : failed(o, err);
    int r = write_full(o->file, data, len);
    return r < 0 ? err_errno(err, r, "write") : 0;
}

int archive_out_end(struct archive_out *o, struct err *err)
{
    if (o->archive)
        return archive_write_finish_entry(o->archive) == ARCHIVE_OK ? 0 : failed(o, err);
    close_fd(&o->file);
    return 0;
}

int archive_out_file(struct archive_out *o, const char *name, const void *data, size_t len,
                     struct err *err)
{
    int r = archive_out_begin(o, name, (int64_t)len, err);
    if (r == 0)
        r = archive_out_data(o, data, len, err);
    return r < 0 ? r : archive_out_end(o, err);
}

int archive_out_finish(struct archive_out *o, struct err *err)
{
    if (!o->archive)
        return 0;
    return archive_write_close(o->archive) == ARCHIVE_OK ? 0 : failed(o, err);
}
