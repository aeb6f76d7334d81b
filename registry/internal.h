/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the client share. Nothing outside registry/ includes this. */
#pragma once

#include "registry/registry.h"
#include "registry/retry.h"

#include <pthread.h>
#include <time.h>

#define POOL_MAX   16
#define TOKENS_MAX 32

struct token {
    char *scope;
    char *value;  /* of the Authorization header */
    time_t until; /* CLOCK_MONOTONIC seconds */
};

struct registry {
    char *name, *host; /* host: whom to talk to */
    char *user, *password, *identity_token;
    struct http_config config;
    int retries, retry_delay;

    pthread_mutex_t lock; /* of all below; never held while bytes move */
    bool plain;           /* http */
    bool scheme_known;
    bool basic; /* it wants user name and password with each request */
    struct http *pool[POOL_MAX];
    size_t n_pool;
    struct token tokens[TOKENS_MAX]; /* a ring */
    size_t next_token;

    pthread_mutex_t asking; /* held while a token is fetched, so that one is fetched for all */
};

/* One request to the registry. */
struct call {
    const char *method;
    const char *path;  /* "/v2/..." */
    const char *url;   /* instead of `path`: where the registry said to go */
    const char *scope; /* "repository:NAME:pull"; several with blanks between; "" for none */
    const struct strv *headers;
    const void *body;
    size_t body_len;
    http_body_fn receive;
    void *receive_arg;
    size_t limit;
};

struct http *registry_take(struct registry *r);
void registry_give(struct registry *r, struct http *h);

/* The URL of the call as things stand; the caller frees. */
char *registry_url(struct registry *r, const struct call *c);
/* An upload may be sent elsewhere by the registry: our authorization is for the registry alone. */
bool registry_is_home(struct registry *r, const char *url);

/* One try: finds out the scheme, answers a 401 once. Results as http_exchange(). */
int registry_try(struct registry *r, const struct call *c, struct http_response *ret,
                 struct err *err);
/* With further tries after what may pass. */
int registry_call(struct registry *r, const struct call *c, struct http_response *ret,
                  struct err *err);
void registry_retry_init(const struct registry *r, struct retry *t);

/* An error for a status that is not the hoped for one; `what` was asked for: "manifest of
 * docker.io/library/x:1". */
int registry_refused(const struct registry *r, const struct http_response *response,
                     const char *what, struct err *err);

/* --- auth.c ------------------------------------------------------------------------------- */

/* What to send in the Authorization header, or NULL; the caller frees. */
char *auth_header(struct registry *r, const char *scope);
/* After a 401 to a request with the authorization `used` (or NULL): gets what to send instead. */
int auth_answer(struct registry *r, struct http *h, const struct http_response *response,
                const char *url, const char *scope, const char *used, struct err *err);
