/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs to a registry: what it has already, and small ones in one request. */
#include "registry/upload.h"

#include "base/alloc.h"

int registry_blob_put(struct registry *r, const char *repository, const char *digest,
                      const void *data, size_t len, struct err *err)
{
    auto_done(upload) struct upload t;
    struct retry retry;
    upload_init(&t, r, repository, "blob for");
    registry_retry_init(r, &retry);
    for (;;) {
        auto_done(http_response) struct http_response response = {0};
        int q = upload_begin(&t, "", t.scope, &response, err);
        if (q == 0)
            q = upload_finish(&t, digest, data, len, &response, err);
        bool again = q < 0 && (http_transient(q, 0) || http_transient(0, response.status));
        if (!again || !retry_wait(&retry, &response))
            return q;
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
    auto_done(upload) struct upload t;
    upload_init(&t, r, repository, "mount in");
    auto_free char *query = xasprintf("?mount=%s&from=%s", digest, from);
    auto_free char *scope =
        xasprintf("repository:%s:pull,push repository:%s:pull", repository, from);
    int q = upload_begin(&t, query, scope, &response, err);
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
