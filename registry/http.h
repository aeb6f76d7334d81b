/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP exchanges over libcurl, bounded in every direction.
 *
 * Redirects are followed here and not by libcurl, because of what a request carries: Authorization
 * goes to the origin (scheme, host and port) that it was given for and to no other, and nothing
 * goes from https to http unless the registry is insecure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What is the same for all exchanges with one registry. Constant while any goes on. */
struct http_config {
    bool insecure;       /* certificates are not looked at, and http may follow https */
    struct buf ca;       /* PEM: authorities beside the system's; empty: none */
    char *cert, *key;    /* files of a client certificate, or NULL */
    long stall_seconds;  /* without a byte in this time the exchange fails */
    atomic_bool *cancel; /* ends what goes on when it becomes true; or NULL */
};

/* A connection that is kept between exchanges. For one thread at a time. */
struct http;
struct http *http_new(const struct http_config *config);
void http_free(struct http *h);

/* Bytes of a body as they come. */
typedef int (*http_body_fn)(void *arg, const void *data, size_t len, struct err *err);

#define HTTP_HEADERS_MAX (64 * 1024)
#define HTTP_ERROR_MAX   (8 * 1024) /* what is kept of the body of an error */
#define HTTP_REDIRECTS   10

struct http_request {
    const char *method; /* "GET" */
    const char *url;
    const struct strv *headers; /* "Name: value"; or NULL */
    const char *authorization;  /* value of that header, or NULL */
    const void *body;           /* or NULL: none */
    size_t body_len;
    http_body_fn receive; /* takes the body of a 2xx, status and headers are in the response by
                             then; NULL: it is kept in the response */
    void *receive_arg;
    size_t limit; /* bytes that a kept body may have */
};

struct http_response {
    long status;
    bool elsewhere;      /* it is of another origin, to which a redirect led */
    struct strv headers; /* "name: value", the names in lower case */
    struct buf body;
};

/* Makes the exchange, following up to HTTP_REDIRECTS redirects of a GET or HEAD. 0 when there is a
 * whole response, whatever its status. Else: -ECONNRESET the connection broke; -ETIMEDOUT nothing
 * came; -ECONNREFUSED, -EHOSTUNREACH; -EKEYREJECTED the certificate is not trusted; -EPROTO no TLS;
 * -EFBIG more than the limit; -ECANCELED; or what `receive` returned. *ret is filled as far as it
 * got and is the caller's in any case. Messages and logs name host and path, never a query. */
int http_exchange(struct http *h, const struct http_request *req, struct http_response *ret,
                  struct err *err);
void http_response_done(struct http_response *r);
/* The value of the first header of that name (lower case), or NULL. Borrowed. */
const char *http_header(const struct http_response *r, const char *name);

/* Whether it may go better at the next try: what http_exchange() returned, and the status when that
 * is 0. */
bool http_transient(int r, long status);

/* --- sending a body whose end is not known ------------------------------------------------- */

/* A request whose body comes piece by piece. */
struct http_upload;
/* Begins it; `req` must live until the end, req->body is not looked at. NULL when libcurl fails. */
struct http_upload *http_upload_begin(struct http *h, const struct http_request *req,
                                      struct http_response *ret);
/* Sends a piece, returns when it is taken. -EPIPE: the server answered early, see the response. */
int http_upload_add(struct http_upload *u, const void *data, size_t len, struct err *err);
/* Ends the body and waits for the response. Errors as http_exchange(). */
int http_upload_end(struct http_upload *u, struct err *err);
void http_upload_free(struct http_upload *u);

/* --- URLs --------------------------------------------------------------------------------- */

/* `reference` (maybe relative) seen from `base`; the caller frees. NULL when it is no http or https
 * URL or has a user in it. */
char *http_url_resolve(const char *base, const char *reference);
bool http_url_same_origin(const char *a, const char *b);
bool http_url_is_https(const char *url);
/* Where a server at `from` leads with `to` (http_url_resolve()): the caller frees *ret. -EINVAL: it
 * is no URL that can be taken; -EACCES: it leads from https to http and not `insecure`. Whatever a
 * server names goes through this. */
int http_url_follow(const char *from, const char *to, bool insecure, char **ret);
/* What may be shown: scheme, host and path. A user, a password and a query may be secrets. The
 * caller frees. */
char *http_url_shown(const char *url);
/* Adds NAME=VALUE, escaped, to the query. Returns a new string, and frees `url`. */
char *http_url_add(char *url, const char *name, const char *value);

DEFINE_AUTO(http_response, http_response_done)
