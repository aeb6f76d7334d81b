/* SPDX-License-Identifier: Apache-2.0 */
/* A layer that comes in pieces.
 *
 * Theory of operation. The caller's thread hashes what comes and decompresses it straight into the
 * writer's ring; the writer's thread does the rest (layer_writer.c). Plain data has one digest, so
 * it is hashed once. Nothing is trusted before the end: then the decompressor must be at an end,
 * and size, digest and diff id must be what was promised; only then the layer is published. */
#include "store/sink.h"

#include "base/alloc.h"
#include "spec/digest.h"
#include "spec/hash.h"
#include "spec/limits.h"
#include "store/decompress.h"
#include "store/layer_writer.h"

#include <string.h>

struct content_sink {
    char *digest, *diff_id; /* expected, or NULL */
    int64_t size;           /* expected, or -1 */
    int64_t got;
    unsigned char head[DECOMPRESS_HEAD]; /* the first bytes, until they are known */
    size_t head_len;
    bool known;
    struct decompress *decompress; /* NULL: plain */
    EVP_MD_CTX *md;                /* of compressed bytes */
    struct layer_writer *writer;
    int64_t layer_max; /* configured, or 0 */
};

int64_t content_configured_max(void)
{
    const char *v = getenv("WHERRY_LAYER_MAX");
    char *end;
    long long n = v && *v ? strtoll(v, &end, 10) : 0;
    return n > 0 && *end == 0 ? n : 0;
}

int content_sink_open(struct store *s, const struct content_expect *e, struct content_sink **ret,
                      struct err *err)
{
    static const struct content_expect nothing = {.size = -1};
    e = e ? e : &nothing;
    if ((e->digest && !digest_valid(e->digest)) || (e->diff_id && !digest_valid(e->diff_id)))
        return err_set(err, -EINVAL, "a layer's digest is not a valid sha256 digest");
    auto_content_sink k = new0(struct content_sink);
    k->digest = strdup_or_null(e->digest);
    k->diff_id = strdup_or_null(e->diff_id);
    k->size = e->size;
    k->layer_max = content_configured_max();
    int r = layer_writer_new(s, &k->writer, err);
    if (r == 0)
        r = hash_begin(&k->md, err);
    if (r == 0)
        *ret = take_ptr(k);
    return r;
}

void content_sink_free(struct content_sink *k)
{
    if (!k)
        return;
    if (k->writer)
        layer_writer_free(k->writer);
    if (k->decompress)
        decompress_free(k->decompress);
    EVP_MD_CTX_free(k->md);
    free(k->digest);
    free(k->diff_id);
    free(k);
}

int content_check_growth(int64_t configured, int64_t from, int64_t size, struct err *err)
{
    int64_t max = configured ? configured : LAYER_MAX;
    bool bomb = !configured && size > LAYER_BOMB_SIZE && size / LAYER_BOMB_RATIO > from;
    if (size <= max && !bomb)
        return 0;
    return err_set(err, -EFBIG,
                   "%lld bytes grow to more than %lld MiB: refused (WHERRY_LAYER_MAX, in bytes, "
                   "allows it)",
                   (long long)from, (long long)(size >> 20));
}

static int check_growth(const struct content_sink *k, struct err *err)
{
    return content_check_growth(k->layer_max, k->got, (int64_t)layer_writer_size(k->writer), err);
}

static int expand(struct content_sink *k, const void *data, size_t len, struct err *err)
{
    int r = 0;
    for (;;) {
        void *room;
        size_t n, made;
        if ((r = layer_writer_room(k->writer, &room, &n, err)) < 0 ||
            (r = decompress_some(k->decompress, &data, &len, room, n, &made, err)) < 0)
            return r;
        layer_writer_put(k->writer, made);
        if ((r = check_growth(k, err)) < 0)
            return r;
        if (len == 0 && made < n)
            return 0;
    }
}

static int take(struct content_sink *k, const void *data, size_t len, struct err *err)
{
    if (k->decompress) {
        int r = hash_add(k->md, data, len, err);
        return r < 0 ? r : expand(k, data, len, err);
    }
    int r = layer_writer_add(k->writer, data, len, err);
    return r < 0 ? r : check_growth(k, err);
}

/* Enough has come, or all, to tell what it is. */
static int begin(struct content_sink *k, struct err *err)
{
    int r = decompress_new(k->head, k->head_len, &k->decompress, err);
    if (r < 0)
        return r;
    k->known = true;
    return take(k, k->head, k->head_len, err);
}

int content_sink_add(struct content_sink *k, const void *data, size_t len, struct err *err)
{
    if (k->size >= 0 && (int64_t)len > k->size - k->got)
        return err_set(err, -EINVAL, "the layer is larger than the %lld bytes it should have",
                       (long long)k->size);
    k->got += (int64_t)len;
    while (!k->known && len) {
        k->head[k->head_len++] = *(const unsigned char *)data;
        data = (const unsigned char *)data + 1;
        len--;
        int r = k->head_len == sizeof(k->head) ? begin(k, err) : 0;
        if (r < 0)
            return r;
    }
    return len ? take(k, data, len, err) : 0;
}

static int differs(const char *what, const char *is, const char *expected, struct err *err)
{
    return err_set(err, -EBADMSG, "the layer's %s is %s, not %s", what, is, expected);
}

static int check_end(struct content_sink *k, struct err *err)
{
    int r = k->known ? 0 : begin(k, err);
    if (r < 0)
        return r;
    if (k->size >= 0 && k->got != k->size)
        return err_set(err, -EINVAL, "the layer ends after %lld of %lld bytes", (long long)k->got,
                       (long long)k->size);
    if (k->decompress && !decompress_at_end(k->decompress))
        return err_set(err, -EINVAL, "%s data: it ends too early", decompress_name(k->decompress));
    return 0;
}

static int check_digests(struct content_sink *k, struct err *err)
{
    char digest[72], diff_id[72];
    int r = layer_writer_finish(k->writer, diff_id, err);
    if (r == 0 && k->decompress)
        r = hash_end(k->md, digest, err);
    if (r < 0)
        return r;
    const char *is = k->decompress ? digest : diff_id;
    if (k->digest && strcmp(k->digest, is) != 0)
        return differs("digest", is, k->digest, err);
    if (k->diff_id && strcmp(k->diff_id, diff_id) != 0)
        return differs("diff id", diff_id, k->diff_id, err);
    return 0;
}

int content_sink_publish(struct content_sink *k, struct content_layer *ret, struct err *err)
{
    int r = check_end(k, err);
    if (r == 0)
        r = check_digests(k, err);
    return r < 0 ? r : layer_writer_publish(k->writer, ret, err);
}
