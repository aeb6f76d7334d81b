/* SPDX-License-Identifier: Apache-2.0 */
/* A layer from a tar, plain or compressed.
 *
 * Theory of operation. The first bytes tell what it is. Plain data is copied as it is, byte for
 * byte. Compressed data goes through the one libarchive filter that fits and the raw format, which
 * hands out blocks without looking into them. A filter's output that is compressed again is
 * refused: it is no layer, and each round multiplies what a small file can grow to. */
#include "store/layer_writer.h"

#include "base/alloc.h"
#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const struct compression {
    const char *name;
    const char *magic;
    size_t len;
    int (*support)(struct archive *a);
} compressions[] = {
    {"gzip", "\x1f\x8b", 2, archive_read_support_filter_gzip},
    {"bzip2", "BZh", 3, archive_read_support_filter_bzip2},
    {"xz",
     "\xfd"
     "7zXZ\0",
     6, archive_read_support_filter_xz},
    {"zstd", "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd},
};

struct input {
    int fd;
    char *chunk;
    size_t pending; /* bytes in `chunk` that were read for sniffing */
    uint64_t done, total;
    content_progress_fn progress;
    void *arg;
    int error;
};

/* The next bytes are in in->chunk: the count, 0 at the end. */
static ssize_t input_next(struct input *in)
{
    ssize_t n = (ssize_t)in->pending;
    in->pending = 0;
    while (n == 0 && (n = read(in->fd, in->chunk, LAYER_CHUNK)) < 0 && errno == EINTR)
        n = 0;
    if (n < 0)
        return in->error = -errno;
    in->done += (uint64_t)n;
    if (in->progress && n > 0)
        in->progress(in->arg, in->done, in->total);
    return n;
}

static int input_open(struct input *in, struct err *err)
{
    struct stat st;
    if (fstat(in->fd, &st) < 0)
        return err_errno(err, -errno, "read");
    if (S_ISREG(st.st_mode)) {
        in->total = (uint64_t)st.st_size;
        posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    in->chunk = xcalloc(1, LAYER_CHUNK);
    ssize_t n = read_full(in->fd, in->chunk, 512); /* a pipe may give less at once */
    if (n < 0)
        return err_errno(err, (int)n, "read");
    in->pending = (size_t)n;
    return 0;
}

static const struct compression *find_compression(const struct input *in)
{
    for (size_t i = 0; i < sizeof(compressions) / sizeof(*compressions); i++)
        if (in->pending >= compressions[i].len &&
            memcmp(in->chunk, compressions[i].magic, compressions[i].len) == 0)
            return &compressions[i];
    return NULL;
}

static int copy_plain(struct input *in, struct layer_writer *w, struct err *err)
{
    for (;;) {
        ssize_t n = input_next(in);
        if (n < 0)
            return err_errno(err, (int)n, "read");
        if (n == 0)
            return 0;
        int r = layer_writer_add(w, in->chunk, (size_t)n, err);
        if (r < 0)
            return r;
    }
}

static la_ssize_t read_callback(struct archive *a, void *arg, const void **ret)
{
    struct input *in = arg;
    ssize_t n = input_next(in);
    if (n < 0)
        archive_set_error(a, (int)-n, "read: %s", strerror((int)-n));
    *ret = in->chunk;
    return n < 0 ? ARCHIVE_FATAL : n;
}

static int archive_failed(struct archive *a, const struct input *in, const char *what,
                          struct err *err)
{
    const char *said = archive_error_string(a);
    return err_set(err, in->error ? in->error : -EINVAL, "%s data: %s", what,
                   said ? said : "damaged");
}

static int copy_blocks(struct archive *a, struct input *in, const char *name,
                       struct layer_writer *w, struct err *err)
{
    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        la_int64_t offset = 0;
        int q = archive_read_data_block(a, &data, &len, &offset);
        if (q == ARCHIVE_EOF)
            return 0;
        if (q != ARCHIVE_OK)
            return archive_failed(a, in, name, err);
        int r = len ? layer_writer_add(w, data, len, err) : 0;
        if (r < 0)
            return r;
    }
}

static int copy_compressed(struct input *in, const struct compression *c, struct layer_writer *w,
                           struct err *err)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    int r;
    if (!a)
        return err_set(err, -ENOMEM, "out of memory");
    /* ARCHIVE_WARN would be an external program in the library's place: not in our data path. */
    if (c->support(a) != ARCHIVE_OK)
        r = err_set(err, -ENOTSUP, "this libarchive cannot read %s data itself", c->name);
    else if (archive_read_support_format_raw(a) != ARCHIVE_OK ||
             archive_read_open(a, in, NULL, read_callback, NULL) != ARCHIVE_OK ||
             archive_read_next_header(a, &entry) != ARCHIVE_OK)
        r = archive_failed(a, in, c->name, err);
    else if (archive_filter_count(a) != 2) /* the filter and the source */
        r = err_set(err, -EINVAL, "not a tar archive: compressed more than once");
    else
        r = copy_blocks(a, in, c->name, w, err);
    archive_read_free(a);
    return r;
}

int content_layer_import(struct store *s, int fd, content_progress_fn progress, void *arg,
                         struct content_layer *ret, struct err *err)
{
    struct input in = {.fd = fd, .progress = progress, .arg = arg};
    auto_done(layer_writer) struct layer_writer w = {.st = {.fd = -1, .lock = -1}, .fd = -1};
    int r = input_open(&in, err);
    if (r == 0)
        r = layer_writer_open(s, &w, err);
    if (r == 0) {
        const struct compression *c = find_compression(&in);
        r = c ? copy_compressed(&in, c, &w, err) : copy_plain(&in, &w, err);
    }
    if (r == 0)
        r = layer_writer_publish(&w, ret, err);
    free(in.chunk);
    return r;
}
