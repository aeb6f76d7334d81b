/* SPDX-License-Identifier: Apache-2.0 */
/* One upload of a blob: the requests that it is made of. */
#include "registry/upload.h"

#include "base/alloc.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

void upload_init(struct upload *u, struct registry *r, const char *repository, const char *what)
{
    *u = (struct upload){.registry = r,
                         .repository = repository,
                         .scope = xasprintf("repository:%s:pull,push", repository),
                         .what = xasprintf("%s %s/%s", what, r->name, repository)};
}

void upload_done(struct upload *u)
{
    free(u->scope);
    free(u->what);
    free(u->location);
}

int upload_follow(struct upload *u, const char *from, const struct http_response *response,
                  struct err *err)
{
    const char *location = http_header(response, "location");
    char *next = NULL;
    int q =
        location ? http_url_follow(from, location, u->registry->config.insecure, &next) : -EINVAL;
    if (q == -EACCES)
        return err_set(err, -EPROTO, "%s: the registry leads from https to http: refused", u->what);
    if (q < 0)
        return err_set(err, -EPROTO, "%s: the registry does not say where to go on", u->what);
    free(u->location);
    u->location = next;
    return 0;
}

int upload_refused(const struct upload *u, const struct http_response *response, struct err *err)
{
    return registry_refused(u->registry, response, u->what, err);
}

static int64_t chunk_min(const struct http_response *response)
{
    const char *text = http_header(response, "oci-chunk-min-length");
    int64_t n = 0;
    return text && sscanf(text, "%" SCNd64, &n) == 1 && n > 0 ? n : 0;
}

int upload_begin(struct upload *u, const char *query, const char *scope, struct http_response *ret,
                 struct err *err)
{
    auto_free char *path = xasprintf("/v2/%s/blobs/uploads/%s", u->repository, query);
    struct call c = {
        .method = "POST", .path = path, .scope = scope, .body = "", .limit = HTTP_ERROR_MAX};
    int q = registry_try(u->registry, &c, ret, err);
    if (q < 0)
        return err ? err_wrap(err, "%s", u->what) : q;
    if (ret->status == 201 && *query)
        return 0; /* mounted: there is nothing to go on with */
    if (ret->status != 202)
        return upload_refused(u, ret, err);
    auto_free char *from = registry_url(u->registry, &c);
    u->offset = 0;
    u->chunk_min = chunk_min(ret);
    return upload_follow(u, from, ret, err);
}

/* A request with bytes to where the upload goes on. */
static int send_bytes(struct upload *u, const char *method, const char *url,
                      const struct strv *headers, const void *data, size_t len,
                      struct http_response *ret, struct err *err)
{
    struct call c = {.method = method,
                     .url = url,
                     .scope = u->scope,
                     .headers = headers,
                     .body = data,
                     .body_len = len,
                     .limit = HTTP_ERROR_MAX};
    int q = registry_try(u->registry, &c, ret, err);
    return q < 0 && err ? err_wrap(err, "%s", u->what) : q;
}

int upload_finish(struct upload *u, const char *digest, const void *data, size_t len,
                  struct http_response *ret, struct err *err)
{
    auto_strv headers = {0};
    auto_free char *url = http_url_add(xstrdup(u->location), "digest", digest);
    strv_add(&headers, "Content-Type: application/octet-stream");
    int q = send_bytes(u, "PUT", url, &headers, data, len, ret, err);
    if (q < 0)
        return q;
    return ret->status == 201 || ret->status == 204 ? 0 : upload_refused(u, ret, err);
}

/* How many bytes the registry says to have (Range: 0-LAST), -1 when it does not. Who has none
 * says 0-0, too, and who has one is asked to take it again. */
static int64_t bytes_there(const struct http_response *response)
{
    const char *range = http_header(response, "range");
    int64_t first = 0, last = 0;
    if (range && strncmp(range, "bytes=", 6) == 0)
        range += 6;
    if (!range || sscanf(range, "%" SCNd64 "-%" SCNd64, &first, &last) != 2 || first != 0 ||
        last < 0 || last == INT64_MAX)
        return -1;
    return last ? last + 1 : 0;
}

int upload_chunk(struct upload *u, const void *data, size_t len, struct http_response *ret,
                 struct err *err)
{
    auto_strv headers = {0};
    auto_free char *from = xstrdup(u->location);
    int64_t end = u->offset + (int64_t)len;
    strv_add(&headers, "Content-Type: application/octet-stream");
    strv_addf(&headers, "Content-Range: %" PRId64 "-%" PRId64, u->offset, end - 1);
    int q = send_bytes(u, "PATCH", from, &headers, data, len, ret, err);
    if (q < 0)
        return q;
    if (ret->status != 202 && ret->status != 204 && ret->status != 201)
        return upload_refused(u, ret, err);
    q = upload_follow(u, from, ret, err);
    if (q < 0)
        return q;
    int64_t there = bytes_there(ret);
    if (there > 0 && there != end)
        return err_set(err, -ECONNRESET,
                       "%s: the registry has %" PRId64 " bytes after %" PRId64 " were sent",
                       u->what, there, end);
    u->offset = end;
    return 0;
}

void upload_resume(struct upload *u, int64_t sent)
{
    auto_done(http_response) struct http_response response = {0};
    auto_free char *from = take_ptr(u->location);
    u->offset = 0;
    if (!from || sent == 0)
        return;
    struct call c = {.method = "GET", .url = from, .scope = u->scope, .limit = HTTP_ERROR_MAX};
    int q = registry_try(u->registry, &c, &response, NULL);
    int64_t there = q == 0 && response.status / 100 == 2 ? bytes_there(&response) : -1;
    if (there <= 0 || there > sent) {
        log_debug("%s: begins again", u->what);
        return;
    }
    /* Where it does not say where to go on, that is where we asked. */
    if (!http_header(&response, "location"))
        u->location = take_ptr(from);
    else if (upload_follow(u, from, &response, NULL) < 0)
        return;
    u->offset = there;
    log_debug("%s: goes on at %" PRId64, u->what, there);
}
