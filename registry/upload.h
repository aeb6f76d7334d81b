/* SPDX-License-Identifier: Apache-2.0 */
/* One upload of a blob, as the registry keeps it between requests. Only for push.c and send.c.
 *
 * An upload begins with a POST, whose answer says where to go on (Location); each further answer
 * may say so again. A PUT ends it with the digest. The session belongs to the registry, which may
 * forget it at any time. */
#pragma once

#include "registry/internal.h"

struct upload {
    struct registry *registry;
    const char *repository;
    char *scope;
    char *what;        /* for messages: "blob for HOST/REPOSITORY" */
    char *location;    /* where it goes on; NULL: it has not begun */
    int64_t offset;    /* bytes that the registry has */
    int64_t chunk_min; /* OCI-Chunk-Min-Length: what each piece but the last must have; else 0 */
};

void upload_init(struct upload *u, struct registry *r, const char *repository, const char *what);
void upload_done(struct upload *u);

/* POST: begins it, or asks for a mount (`query`, `scope`), which 201 grants: then `location` stays.
 * Once: who calls it tries again. Results as http_exchange(). */
int upload_begin(struct upload *u, const char *query, const char *scope, struct http_response *ret,
                 struct err *err);
/* The last request, with or without bytes. */
int upload_finish(struct upload *u, const char *digest, const void *data, size_t len,
                  struct http_response *ret, struct err *err);
/* PATCH with the bytes that follow `offset`, which moves. -ECONNRESET: the registry took another
 * part than that. */
int upload_chunk(struct upload *u, const void *data, size_t len, struct http_response *ret,
                 struct err *err);
/* After a failure: asks where to go on. When the registry has nothing to go on with, or says that
 * it has more than the `sent` bytes, the upload is forgotten and the next one begins anew. */
void upload_resume(struct upload *u, int64_t sent);

/* Takes over where an answer to a request to `from` says to go on. */
int upload_follow(struct upload *u, const char *from, const struct http_response *response,
                  struct err *err);
int upload_refused(const struct upload *u, const struct http_response *response, struct err *err);

DEFINE_AUTO(upload, upload_done)
