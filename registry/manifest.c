/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes: documents by tag or digest. */
#include "registry/internal.h"

#include "base/alloc.h"
#include "spec/digest.h"
#include "spec/hash.h"

#include <string.h>

void registry_document_done(struct registry_document *d)
{
    buf_done(&d->text);
    free(d->media_type);
    *d = (struct registry_document){0};
}

/* What can be read; schema 1 only comes where there is nothing else, and is told from the rest. */
#define ACCEPT                                                                                     \
    "Accept: " MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_LIST                      \
    ", " MEDIA_DOCKER_MANIFEST ", " MEDIA_DOCKER_SCHEMA1 "+prettyjws"

static char *describe(const struct registry *r, const char *repository, const char *reference)
{
    return xasprintf("manifest of %s/%s%s%s", r->name, repository,
                     strchr(reference, ':') ? "@" : ":", reference);
}

static int ask(struct registry *r, const char *method, const char *repository,
               const char *reference, struct http_response *ret, struct err *err)
{
    auto_strv headers = {0};
    auto_free char *path = xasprintf("/v2/%s/manifests/%s", repository, reference);
    auto_free char *scope = xasprintf("repository:%s:pull", repository);
    auto_free char *what = describe(r, repository, reference);
    strv_add(&headers, ACCEPT);
    struct call c = {.method = method,
                     .path = path,
                     .scope = scope,
                     .headers = &headers,
                     .limit = REGISTRY_DOCUMENT_MAX};
    int q = registry_call(r, &c, ret, err);
    if (q < 0)
        return q; /* names the URL */
    return ret->status == 200 ? 0 : registry_refused(r, ret, what, err);
}

int registry_manifest_get(struct registry *r, const char *repository, const char *reference,
                          struct registry_document *ret, struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    char digest[72];
    int q = ask(r, "GET", repository, reference, &response, err);
    if (q == 0)
        q = digest_of(buf_str(&response.body), response.body.len, digest, err);
    if (q < 0)
        return q;
    auto_free char *what = describe(r, repository, reference);
    if (digest_valid(reference) && strcmp(digest, reference) != 0)
        return err_set(err, -EBADMSG, "%s: what came has the digest %s", what, digest);
    const char *said = http_header(&response, "docker-content-digest");
    if (said && digest_valid(said) && strcmp(digest, said) != 0)
        return err_set(err, -EBADMSG,
                       "%s: what came has the digest %s, not %s as the registry says", what, digest,
                       said);
    ret->text = response.body;
    response.body = (struct buf){0};
    ret->media_type = strdup_or_null(http_header(&response, "content-type"));
    strcpy(ret->digest, digest);
    return 0;
}

int registry_manifest_digest(struct registry *r, const char *repository, const char *reference,
                             char ret_digest[static 72], struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    auto_done(registry_document) struct registry_document document = {0};
    int q = ask(r, "HEAD", repository, reference, &response, err);
    if (q < 0)
        return q;
    const char *said = http_header(&response, "docker-content-digest");
    if (!said || !digest_valid(said)) {
        q = registry_manifest_get(r, repository, reference, &document, err);
        said = document.digest;
    }
    if (q == 0)
        strcpy(ret_digest, said);
    return q;
}

int registry_manifest_put(struct registry *r, const char *repository, const char *reference,
                          const char *media_type, const void *data, size_t len, struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    auto_strv headers = {0};
    auto_free char *path = xasprintf("/v2/%s/manifests/%s", repository, reference);
    auto_free char *scope = xasprintf("repository:%s:pull,push", repository);
    auto_free char *what = describe(r, repository, reference);
    strv_addf(&headers, "Content-Type: %s", media_type);
    struct call c = {.method = "PUT",
                     .path = path,
                     .scope = scope,
                     .headers = &headers,
                     .body = data,
                     .body_len = len,
                     .limit = HTTP_ERROR_MAX};
    int q = registry_call(r, &c, &response, err);
    if (q < 0)
        return err ? err_wrap(err, "%s", what) : q;
    return response.status == 201 || response.status == 200 || response.status == 202
               ? 0
               : registry_refused(r, &response, what, err);
}
