/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs from a registry.
 *
 * Theory of operation. The bytes are handed on as they come. When the connection breaks, the next
 * request asks for the rest (Range); a server that does not know ranges sends all of it again, and
 * what is known already is passed over. That the parts belong together is seen from the digest,
 * which the receiver makes. A server that lets some of it through each time is asked again as long
 * as it gets on by RESUME_STEP. */
#include "registry/internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "spec/hash.h"

#include <inttypes.h>
#include <string.h>

#define RESUME_STEP (1 << 20)

struct receive {
    const struct http_response *response;
    http_body_fn fn;
    void *arg;
    int64_t size, done; /* handed on */
    int64_t at;         /* where in the blob the next byte of this response is; -1: not known yet */
};

/* Where the response begins in the blob; -1: it does not say. */
static int64_t response_start(const struct receive *rx)
{
    int64_t start = 0;
    if (rx->response->status != 206)
        return 0;
    const char *range = http_header(rx->response, "content-range");
    return range && sscanf(range, "bytes %" SCNd64 "-", &start) == 1 ? start : -1;
}

static int on_data(void *arg, const void *data, size_t len, struct err *err)
{
    struct receive *rx = arg;
    if (rx->at < 0) {
        int64_t start = response_start(rx);
        if (start != 0 && start != rx->done)
            return err_set(err, -EPROTO,
                           "the server answered with another range than was asked for");
        rx->at = start;
    }
    if ((int64_t)len > rx->size - rx->at)
        return err_set(err, -EFBIG, "the server sent more than the %" PRId64 " bytes that it is",
                       rx->size);
    size_t known = rx->done - rx->at < (int64_t)len ? (size_t)(rx->done - rx->at) : len;
    rx->at += (int64_t)len;
    if (known == len)
        return 0;
    int r = rx->fn(rx->arg, (const char *)data + known, len - known, err);
    if (r == 0)
        rx->done += (int64_t)(len - known);
    return r;
}

/* One request for what is missing. */
static int receive_rest(struct registry *r, struct call *c, struct receive *rx,
                        struct http_response *response, struct err *err)
{
    auto_strv headers = {0};
    if (rx->done)
        strv_addf(&headers, "Range: bytes=%" PRId64 "-", rx->done);
    c->headers = &headers;
    rx->response = response;
    rx->at = -1;
    int q = registry_try(r, c, response, err);
    if (q == -ECONNRESET && rx->size && rx->done == rx->size) {
        if (err)
            err_clear(err); /* it broke behind the last byte: who receives them checks them */
        response->status = 200;
        return 0;
    }
    if (q == 0 && (response->status == 200 || response->status == 206) && rx->done < rx->size)
        q = err_set(err, -ECONNRESET,
                    "the server sent %" PRId64 " bytes of the %" PRId64 " that it is", rx->done,
                    rx->size);
    return q;
}

int registry_blob_get(struct registry *r, const char *repository, const struct descriptor *blob,
                      http_body_fn receive, void *arg, struct err *err)
{
    auto_free char *path = xasprintf("/v2/%s/blobs/%s", repository, blob->digest);
    auto_free char *scope = xasprintf("repository:%s:pull", repository);
    auto_free char *what = xasprintf("blob %s of %s/%s", blob->digest, r->name, repository);
    struct receive rx = {.fn = receive, .arg = arg, .size = blob->size};
    struct call c = {
        .method = "GET", .path = path, .scope = scope, .receive = on_data, .receive_arg = &rx};
    struct retry retry;
    registry_retry_init(r, &retry);
    for (;;) {
        auto_done(http_response) struct http_response response = {0};
        int64_t before = rx.done;
        int q = receive_rest(r, &c, &rx, &response, err);
        bool again = http_transient(q, response.status);
        if (q == 0 && !again)
            return response.status == 200 || response.status == 206
                       ? 0
                       : registry_refused(r, &response, what, err);
        if (rx.done - before >= RESUME_STEP)
            retry_progress(&retry);
        if (!again || !retry_wait(&retry, &response))
            return q == 0 ? registry_refused(r, &response, what, err)
                   : err  ? err_wrap(err, "%s", what)
                          : q;
        log_debug("%s: goes on at %" PRId64, what, rx.done);
    }
}

static int append(void *arg, const void *data, size_t len, struct err *err)
{
    buf_add(arg, data, len);
    return 0;
}

int registry_blob_read(struct registry *r, const char *repository, const struct descriptor *blob,
                       struct buf *ret, struct err *err)
{
    auto_buf text = {0};
    char digest[72];
    if (blob->size > REGISTRY_CONFIG_MAX)
        return err_set(err, -EFBIG, "blob %s says to have %" PRId64 " bytes, %u is the limit",
                       blob->digest, blob->size, REGISTRY_CONFIG_MAX);
    int q = registry_blob_get(r, repository, blob, append, &text, err);
    if (q == 0)
        q = digest_of(buf_str(&text), text.len, digest, err);
    if (q < 0)
        return q;
    if (strcmp(digest, blob->digest) != 0)
        return err_set(err, -EBADMSG, "blob %s of %s/%s: what came has the digest %s", blob->digest,
                       r->name, repository, digest);
    *ret = text;
    text = (struct buf){0};
    return 0;
}
