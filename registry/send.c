/* SPDX-License-Identifier: Apache-2.0 */
/* A blob whose digest is known when it was sent: a layer that is compressed meanwhile.
 *
 * Theory of operation. It goes as one PATCH in HTTP's chunks, which is what every registry takes,
 * and a PUT without a body then tells the digest. A registry that names a least length of a chunk
 * (OCI-Chunk-Min-Length) gets chunks of at least that, each with its place in the blob
 * (Content-Range).
 *
 * After a failure that may pass the registry is asked what it has, and the rest goes in chunks.
 * Nothing is kept for that: the source makes the same bytes again, and what the registry has is
 * passed over. Where it has nothing, or does not agree, the upload begins anew. A registry that
 * takes some of it each time is sent more as long as it gets on by RESUME_STEP. */
#include "registry/upload.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <string.h>

#define CHUNK       (8 << 20)
#define CHUNK_MAX   (16 << 20) /* who asks for more gets one PATCH with all of it */
#define RESUME_STEP (1 << 20)

struct sender {
    struct upload upload;
    struct http_upload *stream; /* the one PATCH, or NULL: chunks */
    struct buf chunk;
    size_t chunk_size;
    int64_t made; /* bytes that the source has given this time */
    int64_t sent; /* bytes of them that the registry can have by now */
    int64_t size; /* of all, and its digest in `digest`; -1: not known yet */
    char digest[72];
    struct http_response *response;
};

static int flush_chunk(struct sender *s, struct err *err)
{
    s->sent = s->made;
    int q = upload_chunk(&s->upload, s->chunk.data, s->chunk.len, s->response, err);
    buf_truncate(&s->chunk, 0);
    return q;
}

static int add_to_chunk(struct sender *s, const char *data, size_t len, struct err *err)
{
    while (len) {
        size_t room = s->chunk_size - s->chunk.len, n = len < room ? len : room;
        buf_add(&s->chunk, data, n);
        data += n;
        len -= n;
        s->made += (int64_t)n;
        int q = s->chunk.len == s->chunk_size ? flush_chunk(s, err) : 0;
        if (q < 0)
            return q;
    }
    return 0;
}

/* Takes what the source makes. */
static int take(void *arg, const void *data, size_t len, struct err *err)
{
    struct sender *s = arg;
    const char *rest = data;
    if (s->stream) {
        s->made += (int64_t)len;
        s->sent = s->made;
        return http_upload_add(s->stream, data, len, err);
    }
    int64_t known = s->upload.offset - s->made;
    if (s->chunk.len == 0 && known > 0) {
        size_t n = known < (int64_t)len ? (size_t)known : len;
        s->made += (int64_t)n;
        rest += n;
        len -= n;
    }
    return add_to_chunk(s, rest, len, err);
}

static int produce(struct sender *s, const struct registry_source *source, struct err *err)
{
    char digest[72];
    int64_t size = 0;
    s->made = 0;
    int q = source->produce(source->arg, take, s, digest, &size, err);
    if (q < 0)
        return q;
    memcpy(s->digest, digest, sizeof(digest));
    s->size = size;
    return 0;
}

static int send_chunks(struct sender *s, const struct registry_source *source, struct err *err)
{
    size_t least = (size_t)s->upload.chunk_min;
    s->chunk_size = least > CHUNK ? least : CHUNK;
    buf_truncate(&s->chunk, 0);
    int q = produce(s, source, err);
    return q == 0 && s->chunk.len ? flush_chunk(s, err) : q;
}

/* PATCH with all that the source makes. */
static int send_stream(struct sender *s, const struct registry_source *source, struct http *h,
                       struct err *err)
{
    struct upload *u = &s->upload;
    auto_free char *from = xstrdup(u->location);
    auto_free char *authorization =
        registry_is_home(u->registry, from) ? auth_header(u->registry, u->scope) : NULL;
    auto_strv headers = {0};
    strv_add(&headers, "Content-Type: application/octet-stream");
    struct http_request req = {.method = "PATCH",
                               .url = from,
                               .headers = &headers,
                               .authorization = authorization,
                               .limit = HTTP_ERROR_MAX};
    s->stream = http_upload_begin(h, &req, s->response);
    if (!s->stream)
        return err_set(err, -ENOMEM, "libcurl gives no handle");
    int q = produce(s, source, err);
    if (q == 0)
        q = http_upload_end(s->stream, err);
    http_upload_free(s->stream);
    s->stream = NULL;
    long status = s->response->status;
    if (q == -EPIPE || (q == 0 && status != 202 && status != 204 && status != 201))
        return upload_refused(u, s->response, err);
    if (q == 0)
        q = upload_follow(u, from, s->response, err);
    if (q == 0)
        u->offset = s->made;
    return q;
}

/* *ret_there: it has arrived in an earlier try, of which only the last answer was lost. */
static int begin(struct sender *s, bool *ret_there, struct err *err)
{
    struct upload *u = &s->upload;
    int q = s->size < 0
                ? 0
                : registry_blob_exists(u->registry, u->repository, s->digest, ret_there, err);
    s->sent = 0;
    return q < 0 || *ret_there ? q : upload_begin(u, "", u->scope, s->response, err);
}

static int send_once(struct sender *s, const struct registry_source *source, struct err *err)
{
    struct upload *u = &s->upload;
    bool there = false;
    int q = u->location ? 0 : begin(s, &there, err);
    if (q < 0 || there)
        return q;
    if (u->offset == 0 && (u->chunk_min == 0 || u->chunk_min > CHUNK_MAX)) {
        struct http *h = registry_take(u->registry);
        q = send_stream(s, source, h, err);
        registry_give(u->registry, h);
    } else if (s->size < 0 || u->offset < s->size) {
        q = send_chunks(s, source, err);
    }
    if (q == 0 && u->offset != s->size)
        q = err_set(err, -EPROTO,
                    "%s: the registry has %" PRId64 " bytes of the %" PRId64 " that it is", u->what,
                    u->offset, s->size);
    return q < 0 ? q : upload_finish(u, s->digest, "", 0, s->response, err);
}

/* Whether to try again after `q`, and prepares that. */
static bool again(struct sender *s, struct retry *retry, int q, bool *renewed)
{
    long status = s->response->status;
    if (status == 401 && !*renewed) {
        *renewed = true; /* a token that expires as the stream begins is renewed once */
    } else {
        /* What goes wrong with a part may go well with the whole. */
        bool part = s->upload.offset > 0 && status >= 400;
        bool may = http_transient(q, 0) || http_transient(0, status) || part;
        if (!may || !retry_wait(retry, s->response))
            return false;
    }
    /* Chunks as long as some ask for are not kept in memory. */
    upload_resume(&s->upload, s->upload.chunk_min > CHUNK_MAX ? 0 : s->sent);
    return true;
}

int registry_blob_send(struct registry *r, const char *repository,
                       const struct registry_source *source, char ret_digest[static 72],
                       int64_t *ret_size, struct err *err)
{
    struct sender s = {.size = -1};
    struct retry retry;
    bool renewed = false;
    int q;
    upload_init(&s.upload, r, repository, "blob for");
    registry_retry_init(r, &retry);
    for (int64_t best = 0;;) {
        auto_done(http_response) struct http_response response = {0};
        s.response = &response;
        q = send_once(&s, source, err);
        /* The best of all tries: whoever forgets again and again comes to an end. */
        if (s.upload.offset >= best + RESUME_STEP) {
            best = s.upload.offset;
            retry_progress(&retry);
        }
        if (q == 0 || !again(&s, &retry, q, &renewed))
            break;
    }
    if (q == 0) {
        memcpy(ret_digest, s.digest, sizeof(s.digest));
        *ret_size = s.size;
    }
    buf_done(&s.chunk);
    upload_done(&s.upload);
    return q;
}
