/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs to a registry.
 *
 * Theory of operation. An upload begins with a POST, whose answer says where to go on (Location);
 * each further answer may say so again. A blob in memory goes with one PUT. A layer, which is
 * compressed while it is sent, goes with one PATCH in HTTP's chunks, and a PUT without a body then
 * tells its digest. The upload session belongs to the registry, which drops one that stops. */
#include "registry/internal.h"

#include "base/alloc.h"
#include "base/log.h"

#include <string.h>

struct target {
    struct registry *registry;
    const char *repository;
    char *scope;
    char *what;
    char *location; /* where the upload goes on */
};

static void target_init(struct target *t, struct registry *r, const char *repository,
                        const char *what)
{
    *t = (struct target){.registry = r,
                         .repository = repository,
                         .scope = xasprintf("repository:%s:pull,push", repository),
                         .what = xasprintf("%s %s/%s", what, r->name, repository)};
}

static void target_done(struct target *t)
{
    free(t->scope);
    free(t->what);
    free(t->location);
}
DEFINE_AUTO(target, target_done)

/* Takes over where the answer says to go on. */
static int next_location(struct target *t, const char *from, const struct http_response *response,
                         struct err *err)
{
    const char *location = http_header(response, "location");
    char *next = NULL;
    int q =
        location ? http_url_follow(from, location, t->registry->config.insecure, &next) : -EINVAL;
    if (q == -EACCES)
        return err_set(err, -EPROTO, "%s: the registry leads from https to http: refused", t->what);
    if (q < 0)
        return err_set(err, -EPROTO, "%s: the registry does not say where to go on", t->what);
    free(t->location);
    t->location = next;
    return 0;
}

static int refused(const struct target *t, const struct http_response *response, struct err *err)
{
    return registry_refused(t->registry, response, t->what, err);
}

/* POST: begins an upload, or asks for a mount. Once: who calls it tries again. Results as
 * http_exchange(). */
static int begin(struct target *t, const char *query, const char *scope, struct http_response *ret,
                 struct err *err)
{
    auto_free char *path = xasprintf("/v2/%s/blobs/uploads/%s", t->repository, query);
    struct call c = {
        .method = "POST", .path = path, .scope = scope, .body = "", .limit = HTTP_ERROR_MAX};
    int q = registry_try(t->registry, &c, ret, err);
    if (q < 0)
        return err ? err_wrap(err, "%s", t->what) : q;
    if (ret->status == 201)
        return 0;
    if (ret->status != 202)
        return refused(t, ret, err);
    auto_free char *from = registry_url(t->registry, &c);
    return next_location(t, from, ret, err);
}

/* The last request of an upload, with or without bytes. */
static int finish(struct target *t, const char *digest, const void *data, size_t len,
                  struct http_response *ret, struct err *err)
{
    auto_strv headers = {0};
    auto_free char *url = http_url_add(xstrdup(t->location), "digest", digest);
    strv_add(&headers, "Content-Type: application/octet-stream");
    struct call c = {.method = "PUT",
                     .url = url,
                     .scope = t->scope,
                     .headers = &headers,
                     .body = data,
                     .body_len = len,
                     .limit = HTTP_ERROR_MAX};
    int q = registry_try(t->registry, &c, ret, err);
    if (q < 0)
        return err ? err_wrap(err, "%s", t->what) : q;
    return ret->status == 201 || ret->status == 204 ? 0 : refused(t, ret, err);
}

int registry_blob_put(struct registry *r, const char *repository, const char *digest,
                      const void *data, size_t len, struct err *err)
{
    auto_done(target) struct target t;
    struct retry retry;
    target_init(&t, r, repository, "blob for");
    registry_retry_init(r, &retry);
    for (;;) {
        auto_done(http_response) struct http_response response = {0};
        int q = begin(&t, "", t.scope, &response, err);
        if (q == 0)
            q = finish(&t, digest, data, len, &response, err);
        bool again = q < 0 && (http_transient(q, 0) || http_transient(0, response.status));
        if (!again || !retry_wait(&retry, &response))
            return q;
    }
}

/* --- streams ------------------------------------------------------------------------------ */

static int upload_write(void *arg, const void *data, size_t len, struct err *err)
{
    return http_upload_add(arg, data, len, err);
}

/* PATCH with all that the source produces. */
static int stream(struct target *t, struct http *h, const struct registry_source *source,
                  char ret_digest[static 72], int64_t *ret_size, struct http_response *ret,
                  struct err *err)
{
    auto_free char *from = xstrdup(t->location);
    auto_free char *authorization =
        registry_is_home(t->registry, from) ? auth_header(t->registry, t->scope) : NULL;
    auto_strv headers = {0};
    strv_add(&headers, "Content-Type: application/octet-stream");
    struct http_request req = {.method = "PATCH",
                               .url = from,
                               .headers = &headers,
                               .authorization = authorization,
                               .limit = HTTP_ERROR_MAX};
    struct http_upload *u = http_upload_begin(h, &req, ret);
    if (!u)
        return err_set(err, -ENOMEM, "libcurl gives no handle");
    int q = source->produce(source->arg, upload_write, u, ret_digest, ret_size, err);
    if (q == 0)
        q = http_upload_end(u, err);
    http_upload_free(u);
    if (q == -EPIPE || (q == 0 && ret->status != 202 && ret->status != 204 && ret->status != 201))
        return refused(t, ret, err);
    return q < 0 ? q : next_location(t, from, ret, err);
}

static int send_once(struct target *t, const struct registry_source *source,
                     char ret_digest[static 72], int64_t *ret_size, struct http_response *response,
                     struct err *err)
{
    int q = begin(t, "", t->scope, response, err);
    if (q < 0)
        return q;
    struct http *h = registry_take(t->registry);
    q = stream(t, h, source, ret_digest, ret_size, response, err);
    registry_give(t->registry, h);
    return q < 0 ? q : finish(t, ret_digest, "", 0, response, err);
}

int registry_blob_send(struct registry *r, const char *repository,
                       const struct registry_source *source, char ret_digest[static 72],
                       int64_t *ret_size, struct err *err)
{
    auto_done(target) struct target t;
    struct retry retry;
    bool renewed = false; /* a token that expires as the stream begins is renewed once */
    target_init(&t, r, repository, "blob for");
    registry_retry_init(r, &retry);
    for (;;) {
        auto_done(http_response) struct http_response response = {0};
        int q = send_once(&t, source, ret_digest, ret_size, &response, err);
        if (q == 0)
            return 0;
        bool expired = response.status == 401 && !renewed;
        renewed = renewed || expired;
        bool again = http_transient(q, 0) || http_transient(0, response.status);
        if (!expired && (!again || !retry_wait(&retry, &response)))
            return q;
        log_debug("%s: begins again", t.what);
    }
}

/* --- what is there already ---------------------------------------------------------------- */

int registry_blob_exists(struct registry *r, const char *repository, const char *digest, bool *ret,
                         struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    auto_free char *path = xasprintf("/v2/%s/blobs/%s", repository, digest);
    auto_free char *what = xasprintf("blob of %s/%s", r->name, repository);
    auto_free char *scope = xasprintf("repository:%s:pull,push", repository);
    struct call c = {.method = "HEAD", .path = path, .scope = scope, .limit = HTTP_ERROR_MAX};
    int q = registry_call(r, &c, &response, err);
    if (q < 0)
        return q;
    if (response.status != 200 && response.status != 404)
        return registry_refused(r, &response, what, err);
    *ret = response.status == 200;
    return 0;
}

int registry_blob_mount(struct registry *r, const char *repository, const char *from,
                        const char *digest, bool *ret, struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    auto_done(target) struct target t;
    target_init(&t, r, repository, "mount in");
    auto_free char *query = xasprintf("?mount=%s&from=%s", digest, from);
    auto_free char *scope =
        xasprintf("repository:%s:pull,push repository:%s:pull", repository, from);
    int q = begin(&t, query, scope, &response, err);
    if (q == 0 && response.status == 202) {
        /* It opened an upload instead: nobody waits for that. */
        auto_done(http_response) struct http_response ignored = {0};
        struct call drop = {
            .method = "DELETE", .url = t.location, .scope = t.scope, .limit = HTTP_ERROR_MAX};
        registry_try(r, &drop, &ignored, NULL);
    }
    *ret = q == 0 && response.status == 201;
    /* A registry that does not let us read the other repository refuses, and one that is busy may
     * take what is sent: that is tried several times. */
    bool send = q == -EACCES || q == -ENOENT || http_transient(q < 0 ? q : 0, response.status);
    if (q < 0 && send && err)
        err_clear(err);
    return send ? 0 : q;
}
