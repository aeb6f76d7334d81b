/* SPDX-License-Identifier: Apache-2.0 */
/* A saved image from an archive that goes by once.
 *
 * Theory of operation. What a member is called says little before the manifest has been seen, and
 * that may be the last of them, so members are known by what is in them: JSON is kept in memory
 * (bounded), a tar or something compressed goes through a sink into the store at once, under the
 * name it has here; everything else is nothing of ours. A member whose name is a digest must have
 * it. A layer that the store has already, by the digest that is its name, is skipped: what the
 * store has was verified when it came.
 *
 * Names are keys in a table and never paths on the host. A link leads to another name of the
 * archive, or nowhere. */
#include "store/load_source.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"
#include "spec/digest.h"
#include "store/decompress.h"
#include "store/internal.h"
#include "store/layer_writer.h"
#include "store/sink.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK         (256 * 1024)
#define MEMBERS_MAX   100000
#define DOCUMENTS_MAX (32u << 20) /* all documents together */
#define NAME_MAX_LEN  4096
#define NAMES_MAX     (16u << 20) /* all names and links' targets together */
#define LINKS_MAX     8

enum kind { DOCUMENT, TOO_LARGE, LAYER, LINK, OTHER };

struct member {
    enum kind kind;
    char *name;
    struct buf text; /* document */
    char *diff_id;   /* layer */
    int64_t size;    /* in the archive */
    char *target;    /* link: the name it leads to */
};

struct input {
    int fd;
    struct decompress *decompress;
    char *chunk, *plain;
    const void *rest; /* of the chunk, not yet decompressed */
    size_t rest_len;
    uint64_t done, total, made;
    content_progress_fn progress;
    void *arg;
    int failed;
    struct err err;
};

struct load_archive {
    struct store *store;
    struct input in;
    struct archive *archive;
    struct member *members;
    size_t n, cap;
    json_t *by_name;   /* index in `members` */
    size_t documents;  /* bytes */
    size_t names;      /* bytes */
    const void *block; /* of the member at hand, not yet taken */
    size_t block_len;
};

/* --- bytes -------------------------------------------------------------------------------- */

/* The next bytes of the file are in->rest: the count, 0 at the end. */
static ssize_t read_chunk(struct input *in)
{
    ssize_t n;
    while ((n = read(in->fd, in->chunk, CHUNK)) < 0 && errno == EINTR)
        ;
    if (n < 0)
        return err_errno(&in->err, -errno, "read");
    in->rest = in->chunk;
    in->rest_len = (size_t)n;
    in->done += (uint64_t)n;
    if (in->progress)
        in->progress(in->arg, in->done, in->total);
    return n;
}

static ssize_t decompress_chunk(struct input *in)
{
    size_t made = 0;
    while (made == 0) {
        int r = decompress_some(in->decompress, &in->rest, &in->rest_len, in->plain, CHUNK, &made,
                                &in->err);
        if (r < 0)
            return r;
        ssize_t n = made || in->rest_len ? 1 : read_chunk(in);
        if (n < 0)
            return n;
        if (n == 0)
            return decompress_at_end(in->decompress)
                       ? 0
                       : err_set(&in->err, -EINVAL, "%s data: it ends too early",
                                 decompress_name(in->decompress));
    }
    in->made += made;
    int r = content_check_growth(content_configured_max(), (int64_t)in->done, (int64_t)in->made,
                                 &in->err);
    return r < 0 ? r : (ssize_t)made;
}

static la_ssize_t next_block(struct archive *a, void *arg, const void **ret)
{
    struct input *in = arg;
    ssize_t n;
    if (in->decompress) {
        n = decompress_chunk(in);
        *ret = in->plain;
    } else {
        n = in->rest_len ? (ssize_t)in->rest_len : read_chunk(in);
        *ret = in->rest;
        in->rest_len = 0;
    }
    if (n >= 0)
        return n;
    in->failed = (int)n;
    archive_set_error(a, -(int)n, "%s", in->err.message);
    return ARCHIVE_FATAL;
}

static int open_input(struct input *in, struct err *err)
{
    struct stat st;
    if (fstat(in->fd, &st) < 0)
        return err_errno(err, -errno, "read");
    if (S_ISREG(st.st_mode)) {
        in->total = (uint64_t)st.st_size;
        posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    in->chunk = xcalloc(1, CHUNK);
    in->plain = xcalloc(1, CHUNK);
    ssize_t n = read_full(in->fd, in->chunk, DECOMPRESS_HEAD); /* a pipe may give less at once */
    if (n < 0)
        return err_errno(err, (int)n, "read");
    in->rest = in->chunk;
    in->rest_len = (size_t)n;
    in->done = (uint64_t)n;
    return decompress_new(in->chunk, (size_t)n, &in->decompress, err);
}

static int failed(const struct load_archive *l, struct err *err)
{
    if (l->in.failed)
        return err_set(err, l->in.failed, "%s", l->in.err.message);
    const char *said = archive_error_string(l->archive);
    return err_set(err, -EINVAL, "damaged archive: %s", said ? said : "unknown error");
}

/* --- members ------------------------------------------------------------------------------ */

static void member_done(struct member *m)
{
    free(m->name);
    free(m->diff_id);
    free(m->target);
    buf_done(&m->text);
}

/* "./a//b/" and "a/b" are one name; "../a" is none of ours. */
static char *clean_name(const char *name)
{
    auto_free char *clean = path_clean(name);
    if (*clean == '/' || strcmp(clean, "..") == 0 || strncmp(clean, "../", 3) == 0)
        return NULL;
    return take_ptr(clean);
}

/* The digest that is in the name: "<hex>", "<hex>.tar", "<hex>.json", "blobs/sha256/<hex>". */
static bool digest_of_name(const char *name, char ret[static DIGEST_LEN + 1])
{
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    size_t len = strspn(base, "0123456789abcdef");
    if (len != DIGEST_HEX_LEN ||
        (base[len] && strcmp(base + len, ".tar") != 0 && strcmp(base + len, ".json") != 0))
        return false;
    memcpy(ret, "sha256:", 7);
    memcpy(ret + 7, base, DIGEST_HEX_LEN);
    ret[DIGEST_LEN] = 0;
    return true;
}

/* Only where the format says so: elsewhere a hex name may be an id of some other kind. */
static bool must_have_digest(const char *name)
{
    return strncmp(name, "blobs/sha256/", 13) == 0;
}

/* The next bytes of the member: at most `max`, *ret_len 0 at its end. */
static int next_data(struct load_archive *l, size_t max, const void **ret, size_t *ret_len,
                     struct err *err)
{
    la_int64_t offset;
    while (l->block_len == 0) {
        int q = archive_read_data_block(l->archive, &l->block, &l->block_len, &offset);
        if (q == ARCHIVE_EOF) {
            l->block_len = *ret_len = 0;
            return 0;
        }
        if (q != ARCHIVE_OK)
            return failed(l, err);
    }
    *ret = l->block;
    *ret_len = l->block_len < max ? l->block_len : max;
    l->block = (const char *)l->block + *ret_len;
    l->block_len -= *ret_len;
    return 0;
}

/* Until there are `len` bytes of it, or all. */
static int read_text(struct load_archive *l, struct member *m, size_t len, struct err *err)
{
    while (m->text.len < len) {
        const void *data;
        size_t n;
        int r = next_data(l, len - m->text.len, &data, &n, err);
        if (r < 0 || n == 0)
            return r;
        buf_add(&m->text, data, n);
    }
    return 0;
}

static int read_document(struct load_archive *l, struct member *m, struct err *err)
{
    if (m->size > JSON_LIMIT || l->documents + (size_t)m->size > DOCUMENTS_MAX) {
        m->kind = TOO_LARGE;
        return 0;
    }
    l->documents += (size_t)m->size;
    return read_text(l, m, (size_t)m->size, err);
}

static int fill_sink(struct load_archive *l, struct content_sink *sink, struct err *err)
{
    for (;;) {
        const void *data;
        size_t n;
        int r = next_data(l, SIZE_MAX, &data, &n, err);
        if (r < 0 || n == 0)
            return r;
        r = content_sink_add(sink, data, n, err);
        if (r < 0)
            return r;
    }
}

static int read_layer(struct load_archive *l, struct member *m, struct err *err)
{
    auto_content_sink sink = NULL;
    char digest[DIGEST_LEN + 1];
    struct content_layer layer = {0};
    struct content_expect e = {.size = m->size};
    if (must_have_digest(m->name) && digest_of_name(m->name, digest))
        e.digest = digest;
    int r = content_sink_open(l->store, &e, &sink, err);
    if (r == 0)
        r = content_sink_add(sink, m->text.data, m->text.len, err);
    if (r == 0)
        r = fill_sink(l, sink, err);
    if (r == 0)
        r = content_sink_publish(sink, &layer, err);
    if (r < 0)
        return err ? err_wrap(err, "%.200s", m->name) : r;
    m->diff_id = layer.diff_id;
    return 0;
}

/* A layer under its own diff id that the store has; its bytes go by. */
static bool is_here(struct load_archive *l, struct member *m)
{
    char digest[DIGEST_LEN + 1];
    int64_t size;
    if (!digest_of_name(m->name, digest) || store_blob_claim(l->store, digest, NULL) < 0 ||
        store_layer_size(l->store, digest, &size, NULL) < 0 || size != m->size)
        return false;
    struct blob_path index = store_index_path(digest);
    if (!exists_at(l->store->root_fd, index.s))
        return false;
    m->diff_id = xstrdup(digest);
    return true;
}

static enum kind kind_of(const struct member *m)
{
    const char *head = m->text.data;
    size_t len = m->text.len;
    const char *base = strrchr(m->name, '/');
    if (len && (*head == '{' || *head == '['))
        /* Each layer's "json" is of docker before 1.10, and nobody's business since. */
        return base && strcmp(base, "/json") == 0 ? OTHER : DOCUMENT;
    bool compressed = decompress_known(head, len);
    const char *ending = strrchr(m->name, '.');
    bool tar = layer_looks_like_tar(head, len) || (ending && strcmp(ending, ".tar") == 0);
    return compressed || tar ? LAYER : OTHER;
}

/* Its first bytes tell what it is. */
static int read_regular(struct load_archive *l, struct member *m, struct err *err)
{
    l->block_len = 0;
    int r = read_text(l, m, 512, err);
    if (r < 0)
        return r;
    m->kind = kind_of(m);
    if (m->kind == DOCUMENT)
        r = read_document(l, m, err);
    else if (m->kind == LAYER && !is_here(l, m))
        r = read_layer(l, m, err);
    if (m->kind != DOCUMENT)
        buf_truncate(&m->text, 0);
    return r;
}

/* "x/layer.tar" -> "../y/layer.tar" is "y/layer.tar"; a hard link's target is a name as it is. */
static char *link_target(const char *name, const char *target, bool hard)
{
    if (hard)
        return clean_name(target);
    if (*target == '/')
        return NULL;
    auto_free char *dir = NULL, *base = NULL;
    path_split(name, &dir, &base);
    auto_free char *whole = xasprintf("%s/%s", dir, target);
    return clean_name(whole);
}

static int keep(struct load_archive *l, struct member *m, struct err *err)
{
    if (json_object_get(l->by_name, m->name))
        return err_set(err, -EINVAL, "%.200s is in the archive twice", m->name);
    l->names += strlen(m->name) + (m->target ? strlen(m->target) : 0);
    if (l->names > NAMES_MAX)
        return err_set(err, -EFBIG, "the names in the archive take too much memory");
    json_put(l->by_name, m->name, json_integer((json_int_t)l->n));
    grow_array(l->members, l->n, l->cap);
    l->members[l->n++] = *m;
    *m = (struct member){0};
    return 0;
}

/* A megabyte of "a/a/a" would also take long to be cleaned. */
static bool is_too_long(const char *name)
{
    return strnlen(name, NAME_MAX_LEN) == NAME_MAX_LEN;
}

static int read_member(struct load_archive *l, struct archive_entry *e, struct err *err)
{
    const char *name = archive_entry_pathname(e), *hard = archive_entry_hardlink(e);
    const char *link = hard ? hard : archive_entry_symlink(e);
    bool strange = !name || is_too_long(name) || (link && is_too_long(link));
    auto_free char *clean = strange ? NULL : clean_name(name);
    bool regular = !link && archive_entry_filetype(e) == AE_IFREG;
    auto_json json_t *utf8 = clean ? json_string(clean) : NULL; /* no other name can be asked for */
    if (!utf8 || (!link && !regular))
        return 0;
    if (l->n >= MEMBERS_MAX)
        return err_set(err, -EFBIG, "the archive has too many members");
    struct member m = {.kind = LINK, .name = take_ptr(clean), .size = archive_entry_size(e)};
    int r = 0;
    if (link)
        m.target = link_target(m.name, link, hard);
    else
        r = read_regular(l, &m, err);
    if (r == 0 && m.kind != OTHER)
        r = keep(l, &m, err);
    member_done(&m);
    return r;
}

static int read_all(struct load_archive *l, struct err *err)
{
    struct archive *a = l->archive = archive_read_new();
    if (!a)
        return err_set(err, -ENOMEM, "libarchive cannot start");
    archive_read_support_format_tar(a);
    if (archive_read_open(a, &l->in, NULL, next_block, NULL) != ARCHIVE_OK)
        return failed(l, err);
    for (;;) {
        struct archive_entry *e;
        int got = archive_read_next_header(a, &e);
        if (got == ARCHIVE_EOF)
            return 0;
        if (got == ARCHIVE_RETRY)
            continue;
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
            return failed(l, err);
        int r = read_member(l, e, err);
        if (r < 0)
            return r;
    }
}

/* A pipe's writer should not be told that nobody wants the padding; and damage in a compressor's
 * trailer should be seen. */
static int read_rest(struct load_archive *l, struct err *err)
{
    const void *rest;
    la_ssize_t n;
    while ((n = next_block(l->archive, &l->in, &rest)) > 0)
        ;
    return n < 0 ? failed(l, err) : 0;
}

/* --- the source --------------------------------------------------------------------------- */

static const struct member *find(const struct load_archive *l, const char *name)
{
    auto_free char *at = clean_name(name);
    for (int i = 0; at && i < LINKS_MAX; i++) {
        const json_t *n = json_object_get(l->by_name, at);
        const struct member *m = n ? &l->members[json_integer_value(n)] : NULL;
        if (!m || m->kind != LINK)
            return m;
        free(at);
        at = strdup_or_null(m->target);
    }
    return NULL;
}

static int not_there(const char *what, const char *name, struct err *err)
{
    return err_kind(err, ERR_NOT_FOUND, -ENOENT, "the archive has no %s %.200s", what, name);
}

static int document(void *data, const char *name, struct buf *ret, struct err *err)
{
    const struct member *m = find(data, name);
    if (m && m->kind == TOO_LARGE)
        return err_set(err, -EFBIG, "%.200s is too large for what it is", name);
    if (!m || m->kind != DOCUMENT)
        return not_there("document", name, err);
    buf_add(ret, m->text.data, m->text.len);
    return 0;
}

static int layer(void *data, const char *name, const struct content_expect *e, char **ret_diff_id,
                 struct err *err)
{
    const struct member *m = find(data, name);
    if (!m || m->kind != LAYER)
        return not_there("layer", name, err);
    if (e->size >= 0 && e->size != m->size)
        return err_set(err, -EINVAL, "layer %.200s has %lld bytes, not %lld", name,
                       (long long)m->size, (long long)e->size);
    *ret_diff_id = xstrdup(m->diff_id);
    return 0;
}

static void free_archive(void *data)
{
    struct load_archive *l = data;
    for (size_t i = 0; i < l->n; i++)
        member_done(&l->members[i]);
    free(l->members);
    json_decref(l->by_name);
    if (l->archive)
        archive_read_free(l->archive);
    if (l->in.decompress)
        decompress_free(l->in.decompress);
    free(l->in.chunk);
    free(l->in.plain);
    free(l);
}

int load_archive_open(struct store *s, int fd, content_progress_fn progress, void *arg,
                      struct load_source *ret, struct err *err)
{
    struct load_archive *l = new0(struct load_archive);
    l->store = s;
    l->in = (struct input){.fd = fd, .progress = progress, .arg = arg};
    l->by_name = json_object();
    int r = open_input(&l->in, err);
    if (r == 0)
        r = read_all(l, err);
    if (r == 0)
        r = read_rest(l, err);
    if (r < 0) {
        free_archive(l);
        return r;
    }
    *ret = (struct load_source){l, document, layer, free_archive};
    return 0;
}
