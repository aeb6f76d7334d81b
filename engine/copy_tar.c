/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a copy that is a tar. */
#include "engine/copy_tar.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/safepath.h"
#include "base/strv.h"
#include "engine/copy_wire.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>

static inline void cleanup_reader(struct archive **a)
{
    if (*a)
        archive_read_free(*a);
}

static inline void cleanup_writer(struct archive **a)
{
    if (*a)
        archive_write_free(*a);
}

/* libarchive takes names for text of the locale: in this one they stay as they are. */
static int with_plain_names(int (*fn)(int pipe, int tar, struct err *err), int pipe, int tar,
                            struct err *err)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        return err_set(err, -ENOENT, "the locale C.UTF-8 is missing on this machine");
    locale_t before = uselocale(utf8);
    int r = fn(pipe, tar, err);
    uselocale(before);
    freelocale(utf8);
    return r;
}

/* --- from a tar ---------------------------------------------------------------------------- */

/* The name below the target, "" for the target itself, or NULL for one that climbs. */
static char *plain_name(const char *name)
{
    auto_strv parts = {0};
    if (!name)
        return NULL;
    strv_split(&parts, name, '/');
    if (strv_contains(&parts, ".."))
        return NULL;
    auto_free char *clean = path_join("/", name);
    return xstrdup(clean + 1);
}

static int bad_name(const char *name, struct err *err)
{
    return err_set(err, -EINVAL, "the archive has a name that leaves it: %.300s",
                   name ? name : "(not representable)");
}

static int damaged(struct archive *a, struct err *err)
{
    return err_set(err, -EINVAL, "read the archive: %s", archive_error_string(a));
}

static int send_tar_data(int out, struct archive *a, struct err *err)
{
    for (;;) {
        const void *data;
        size_t len;
        la_int64_t offset;
        int q = archive_read_data_block(a, &data, &len, &offset);
        if (q == ARCHIVE_EOF)
            return 0;
        if (q != ARCHIVE_OK && q != ARCHIVE_WARN)
            return damaged(a, err);
        for (size_t done = 0; done < len;) {
            size_t n = len - done < COPY_CHUNK ? len - done : COPY_CHUNK;
            int r = copy_put_data(out, (uint64_t)offset + done, (const char *)data + done, n, err);
            if (r < 0)
                return r;
            done += n;
        }
    }
}

static void add_tar_xattrs(struct archive_entry *from, struct copy_entry *to)
{
    const char *name;
    const void *value;
    size_t len;
    archive_entry_xattr_reset(from);
    while (to->n_xattrs < COPY_XATTRS_MAX &&
           archive_entry_xattr_next(from, &name, &value, &len) == ARCHIVE_OK)
        if (strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0)
            to->xattrs[to->n_xattrs++] = (struct copy_xattr){name, value, len};
}

static int send_tar_entry(int out, struct archive *a, struct archive_entry *from, struct err *err)
{
    const char *name = archive_entry_pathname(from), *hard = archive_entry_hardlink(from);
    auto_free char *path = plain_name(name), *same = hard ? plain_name(hard) : NULL;
    if (!path || (hard && !same))
        return bad_name(path ? hard : name, err);
    struct copy_entry e = {
        .path = path,
        .same = same,
        .link = archive_entry_filetype(from) == AE_IFLNK ? archive_entry_symlink(from) : NULL,
        .mode = archive_entry_mode(from),
        .uid = (uid_t)archive_entry_uid(from),
        .gid = (gid_t)archive_entry_gid(from),
        .size = (uint64_t)archive_entry_size(from),
        .mtime = {.tv_sec = archive_entry_mtime(from), .tv_nsec = archive_entry_mtime_nsec(from)},
    };
    if (!*path)
        return 0; /* the target keeps its attributes */
    if (!same && !e.link)
        add_tar_xattrs(from, &e);
    int r = copy_put_entry(out, &e, err);
    if (r == 0 && !same && S_ISREG(e.mode)) {
        r = send_tar_data(out, a, err);
        if (r == 0)
            r = copy_put_data(out, e.size, NULL, 0, err);
    }
    return r;
}

static int send_tar(int out, int tar, struct err *err)
{
    __attribute__((cleanup(cleanup_reader))) struct archive *a = archive_read_new();
    const struct copy_root root = {.is_dir = true, .contents = true, .archive = true, .name = ""};
    struct archive_entry *e;
    archive_read_support_format_tar(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    int q = archive_read_open_fd(a, tar, 1 << 16);
    if (q == ARCHIVE_OK)
        q = archive_read_next_header(a, &e);
    if (q != ARCHIVE_OK && q != ARCHIVE_WARN && q != ARCHIVE_EOF)
        return err_set(err, -EINVAL,
                       "source must be a (compressed) tar archive when copying from stdin");
    int r = copy_put_root(out, &root, err);
    while (r == 0 && (q == ARCHIVE_OK || q == ARCHIVE_WARN)) {
        r = send_tar_entry(out, a, e, err);
        if (r == 0)
            q = archive_read_next_header(a, &e);
    }
    if (r == 0 && q != ARCHIVE_EOF)
        r = damaged(a, err);
    return r < 0 ? r : copy_put_end(out, err);
}

int copy_send_tar(int out, int tar, struct err *err)
{
    struct err own = {0};
    int r = with_plain_names(send_tar, out, tar, &own);
    if (r < 0 && r != -EPIPE)
        copy_put_failed(out, &own);
    if (r < 0 && err)
        *err = own;
    return r;
}

/* --- to a tar ------------------------------------------------------------------------------ */

struct tar_writer {
    struct archive *a;
    char *root;             /* name of what is copied; "" for what is in a directory */
    uint64_t written, size; /* of the file that data is for: a tar says the size first */
    char *zeros;
};

static void tar_writer_done(struct tar_writer *w)
{
    if (w->a)
        archive_write_free(w->a);
    free(w->root);
    free(w->zeros);
}
DEFINE_AUTO(tar_writer, tar_writer_done)

static int tar_failed(struct tar_writer *w, struct err *err)
{
    int code = archive_errno(w->a);
    return code > 0 ? err_errno(err, -code, "write the archive")
                    : err_set(err, -EIO, "write the archive: %s", archive_error_string(w->a));
}

static char *tar_name(const struct tar_writer *w, const char *path)
{
    return *path && *w->root ? xasprintf("%s/%s", w->root, path) : xstrdup(*path ? path : w->root);
}

static int write_tar_entry(struct tar_writer *w, const struct copy_entry *e, struct err *err)
{
    auto_free char *name = tar_name(w, e->path), *same = e->same ? tar_name(w, e->same) : NULL;
    w->written = 0;
    w->size = same || !S_ISREG(e->mode) ? 0 : e->size;
    if (!*name)
        return 0;
    struct archive_entry *to = archive_entry_new();
    archive_entry_copy_pathname(to, name);
    archive_entry_set_mode(to, e->mode);
    archive_entry_set_uid(to, e->uid);
    archive_entry_set_gid(to, e->gid);
    archive_entry_set_mtime(to, e->mtime.tv_sec, e->mtime.tv_nsec);
    archive_entry_set_size(to, (la_int64_t)w->size);
    if (same)
        archive_entry_copy_hardlink(to, same);
    if (e->link)
        archive_entry_copy_symlink(to, e->link);
    for (size_t i = 0; i < e->n_xattrs; i++)
        archive_entry_xattr_add_entry(to, e->xattrs[i].name, e->xattrs[i].value, e->xattrs[i].len);
    int q = archive_write_header(w->a, to);
    archive_entry_free(to);
    return q == ARCHIVE_OK || q == ARCHIVE_WARN ? 0 : tar_failed(w, err);
}

/* Bytes up to `end`, which the header's size bounds; `data` NULL: zeros. */
static int write_tar_bytes(struct tar_writer *w, const char *data, uint64_t end, struct err *err)
{
    end = end < w->size ? end : w->size;
    while (w->written < end) {
        uint64_t want = end - w->written;
        size_t n = want < COPY_CHUNK ? (size_t)want : COPY_CHUNK;
        if (archive_write_data(w->a, data ? data : w->zeros, n) != (la_ssize_t)n)
            return tar_failed(w, err);
        w->written += n;
        data = data ? data + n : NULL;
    }
    return 0;
}

static int write_tar_data(struct tar_writer *w, const struct copy_message *m, struct err *err)
{
    /* The last one has no bytes: a file that shrank is filled up, as tar does. */
    int r = write_tar_bytes(w, NULL, m->data.len ? m->offset : w->size, err);
    return r < 0 || !m->data.len ? r
                                 : write_tar_bytes(w, m->data.data, m->offset + m->data.len, err);
}

static int write_tar_message(struct tar_writer *w, const struct copy_message *m, struct err *err)
{
    switch (m->type) {
    case COPY_ROOT:
        free(w->root);
        w->root = xstrdup(m->root.contents && m->root.is_dir ? "" : m->root.name);
        return 0;
    case COPY_ENTRY: return write_tar_entry(w, &m->entry, err);
    case COPY_DATA: return write_tar_data(w, m, err);
    default:
        if (err)
            *err = m->failure;
        return m->failure.code < 0 ? m->failure.code : -EIO;
    }
}

static int receive_tar(int in, int tar, struct err *err)
{
    auto_done(copy_message) struct copy_message m = {0};
    auto_done(tar_writer) struct tar_writer w = {
        .a = archive_write_new(), .root = xstrdup(""), .zeros = xcalloc(1, COPY_CHUNK)};
    if (archive_write_set_format_pax_restricted(w.a) != ARCHIVE_OK ||
        archive_write_set_format_option(w.a, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(w.a, 1) != ARCHIVE_OK)
        return tar_failed(&w, err);
    int r = copy_get(in, &m, err);
    /* Nothing is written before something came: an error leaves an empty output. */
    if (r == 0 && m.type == COPY_ROOT && archive_write_open_fd(w.a, tar) != ARCHIVE_OK)
        return tar_failed(&w, err);
    while (r == 0 && m.type != COPY_END) {
        r = write_tar_message(&w, &m, err);
        if (r == 0)
            r = copy_get(in, &m, err);
    }
    return r == 0 && archive_write_close(w.a) != ARCHIVE_OK ? tar_failed(&w, err) : r;
}

int copy_receive_tar(int in, int tar, struct err *err)
{
    return with_plain_names(receive_tar, in, tar, err);
}
