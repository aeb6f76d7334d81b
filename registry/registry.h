/* SPDX-License-Identifier: Apache-2.0 */
/* Client of a registry (OCI distribution 1.1, which is docker's registry API v2).
 *
 * Theory of operation. A struct registry is one host with what was learned of it: whether it speaks
 * https, how it wants to be asked, the tokens it gave. It may be used by several threads at once;
 * each call takes a connection from a pool and gives it back. Every call sends the request with the
 * best authorization known, answers a 401 once (auth.c), and tries again with growing pauses after
 * what may pass: 429, 5xx, a broken connection (retry.h). A blob goes on where it stopped.
 *
 * Everything a server says is bounded and checked: documents against their digest, blobs against
 * their size (their digest is the receiver's to check). Errors say what can be done; credentials
 * are never part of one, nor of a log. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "registry/http.h"
#include "spec/image.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define REGISTRY_DOCUMENT_MAX (4u << 20) /* manifests: what registries accept */
#define REGISTRY_CONFIG_MAX   (8u << 20) /* configurations: JSON_LIMIT */
#define REGISTRY_RETRIES      3          /* podman's */

struct registry_options {
    const char *registry;        /* "docker.io", "host:5000" */
    bool insecure;               /* https without a look at certificates, else http */
    const char *cert_dir;        /* or NULL: certs.d */
    const char *user, *password; /* or NULL */
    const char *identity_token;  /* instead of a password; or NULL */
    int retries;                 /* further tries after a failure that may pass */
    int retry_delay;             /* seconds before the first of them, doubled each time; 0: 1 */
    atomic_bool *cancel;         /* ends what goes on; or NULL */
};

struct registry;
/* Nothing is sent yet. */
int registry_open(const struct registry_options *o, struct registry **ret, struct err *err);
void registry_close(struct registry *r);
/* As it is called, "docker.io". */
const char *registry_name(const struct registry *r);

/* Whether it is a registry that lets us in with the credentials it was opened with. -EACCES: it
 * does not. */
int registry_check(struct registry *r, struct err *err);

/* A manifest or index. */
struct registry_document {
    struct buf text;
    char *media_type; /* the Content-Type, or NULL */
    char digest[72];  /* of the text */
};
void registry_document_done(struct registry_document *d);

/* By tag or digest; checked against that. ERR_NOT_FOUND. */
int registry_manifest_get(struct registry *r, const char *repository, const char *reference,
                          struct registry_document *ret, struct err *err);
/* The digest that the registry has for a tag now. */
int registry_manifest_digest(struct registry *r, const char *repository, const char *reference,
                             char ret_digest[static 72], struct err *err);
/* Under a tag or its digest. */
int registry_manifest_put(struct registry *r, const char *repository, const char *reference,
                          const char *media_type, const void *data, size_t len, struct err *err);

/* Streams a blob of known size, from its first byte to its last, each once. The caller checks the
 * digest. */
int registry_blob_get(struct registry *r, const char *repository, const struct descriptor *blob,
                      http_body_fn receive, void *arg, struct err *err);
/* A small blob as a whole, checked against its digest. */
int registry_blob_read(struct registry *r, const char *repository, const struct descriptor *blob,
                       struct buf *ret, struct err *err);

/* Whether the repository has the blob. */
int registry_blob_exists(struct registry *r, const char *repository, const char *digest, bool *ret,
                         struct err *err);
/* Lets the repository have a blob that another of the same registry has; *ret false: it does not
 * work, send it. */
int registry_blob_mount(struct registry *r, const char *repository, const char *from,
                        const char *digest, bool *ret, struct err *err);
/* Sends a blob that is in memory, in one request. */
int registry_blob_put(struct registry *r, const char *repository, const char *digest,
                      const void *data, size_t len, struct err *err);

/* Sends a blob piece by piece; its digest is told at the end. `produce` hands all of it to `write`
 * and returns what that returned; it is called again when a broken connection makes a new start
 * necessary. */
typedef int (*registry_write_fn)(void *arg, const void *data, size_t len, struct err *err);
struct registry_source {
    int (*produce)(void *arg, registry_write_fn write, void *write_arg, char ret_digest[static 72],
                   int64_t *ret_size, struct err *err);
    void *arg;
};
int registry_blob_send(struct registry *r, const char *repository,
                       const struct registry_source *source, char ret_digest[static 72],
                       int64_t *ret_size, struct err *err);

/* Tags of a repository, repositories of a registry; pages are put together, at most
 * REGISTRY_LIST_MAX names. */
#define REGISTRY_LIST_MAX 10000
int registry_tags(struct registry *r, const char *repository, struct strv *ret, struct err *err);
int registry_catalog(struct registry *r, struct strv *ret, struct err *err);
/* docker's search (API v1): an array of objects with name, description, star_count, is_official,
 * is_automated. -ENOTSUP: the registry has none. */
int registry_search(struct registry *r, const char *term, int limit, json_t **ret, struct err *err);

static inline void cleanup_registry(struct registry **r)
{
    registry_close(*r);
}
#define auto_registry __attribute__((cleanup(cleanup_registry)))

DEFINE_AUTO(registry_document, registry_document_done)
