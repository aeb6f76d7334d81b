/* SPDX-License-Identifier: Apache-2.0 */
/* One registry: requests, their repetition, and what a refusal means. */
#include "registry/internal.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "registry/certs.h"

#include <string.h>

#define STALL_SECONDS 60
#define DOCKER_HUB    "registry-1.docker.io"

/* How long a server may be silent: a test cannot wait a minute. */
static long stall_seconds(void)
{
    const char *text = getenv("WHERRY_REGISTRY_TIMEOUT");
    long n = text ? atol(text) : 0;
    return n > 0 && n <= 3600 ? n : STALL_SECONDS;
}

int registry_open(const struct registry_options *o, struct registry **ret, struct err *err)
{
    auto_registry struct registry *r = new0(struct registry);
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->asking, NULL);
    r->name = xstrdup(o->registry);
    r->host = xstrdup(strcmp(o->registry, "docker.io") == 0 ? DOCKER_HUB : o->registry);
    r->user = strdup_or_null(o->user);
    r->password = xstrdup(o->password ? o->password : "");
    r->identity_token = strdup_or_null(o->identity_token);
    r->config.insecure = o->insecure;
    r->config.cancel = o->cancel;
    r->config.stall_seconds = stall_seconds();
    r->retries = o->retries;
    r->retry_delay = o->retry_delay;
    if (r->user && strchr(r->user, ':'))
        return err_set(err, -EINVAL, "the user name must not have a colon");
    int q = certs_load(o->cert_dir, o->registry, &r->config, err);
    if (q < 0)
        return q;
    /* libcurl prepares itself at the first handle, which must be before there are threads. */
    r->pool[r->n_pool++] = http_new(&r->config);
    *ret = take_ptr(r);
    return 0;
}

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_pool; i++)
        http_free(r->pool[i]);
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        free(r->tokens[i].scope);
        forget(r->tokens[i].value);
    }
    free(r->name);
    free(r->host);
    free(r->user);
    forget(r->password);
    forget(r->identity_token);
    buf_done(&r->config.ca);
    free(r->config.cert);
    free(r->config.key);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->asking);
    free(r);
}

const char *registry_name(const struct registry *r)
{
    return r->name;
}

struct http *registry_take(struct registry *r)
{
    struct http *h = NULL;
    pthread_mutex_lock(&r->lock);
    if (r->n_pool)
        h = r->pool[--r->n_pool];
    pthread_mutex_unlock(&r->lock);
    return h ? h : http_new(&r->config);
}

void registry_give(struct registry *r, struct http *h)
{
    pthread_mutex_lock(&r->lock);
    if (r->n_pool < POOL_MAX)
        r->pool[r->n_pool++] = take_ptr(h);
    pthread_mutex_unlock(&r->lock);
    http_free(h);
}

char *registry_url(struct registry *r, const struct call *c)
{
    if (c->url)
        return xstrdup(c->url);
    pthread_mutex_lock(&r->lock);
    bool plain = r->plain;
    pthread_mutex_unlock(&r->lock);
    return xasprintf("%s://%s%s", plain ? "http" : "https", r->host, c->path);
}

/* --- one try ------------------------------------------------------------------------------ */

/* Whether http is to be tried after a request to `url` ended with `q`: only where that is allowed,
 * and only as long as nothing ever answered by https. */
static bool fall_back(struct registry *r, const char *url, int q)
{
    bool https = http_url_is_https(url), turn = false;
    pthread_mutex_lock(&r->lock);
    if (q == 0)
        r->scheme_known = true;
    else if (https && r->config.insecure && (r->plain || !r->scheme_known))
        turn = q == -EPROTO || q == -ECONNREFUSED || q == -ECONNRESET || q == -EHOSTUNREACH;
    r->plain = r->plain || turn;
    pthread_mutex_unlock(&r->lock);
    return turn;
}

static int send_call(struct registry *r, struct http *h, const struct call *c, const char *url,
                     const char *authorization, struct http_response *ret, struct err *err)
{
    struct http_request req = {
        .method = c->method,
        .url = url,
        .headers = c->headers,
        .authorization = authorization,
        .body = c->body,
        .body_len = c->body_len,
        .receive = c->receive,
        .receive_arg = c->receive_arg,
        .limit = c->limit,
    };
    return http_exchange(h, &req, ret, err);
}

bool registry_is_home(struct registry *r, const char *url)
{
    struct call home = {.path = "/"};
    auto_free char *base = registry_url(r, &home);
    return http_url_same_origin(base, url);
}

static int try_with(struct registry *r, struct http *h, const struct call *c,
                    struct http_response *ret, struct err *err)
{
    for (bool answered = false;; answered = true) {
        auto_free char *url = registry_url(r, c);
        bool home = registry_is_home(r, url);
        auto_free char *used = home ? auth_header(r, c->scope) : NULL;
        int q = send_call(r, h, c, url, used, ret, err);
        if (!c->url && fall_back(r, url, q)) {
            auto_free char *plain = registry_url(r, c);
            free(url);
            url = take_ptr(plain);
            q = send_call(r, h, c, url, used, ret, err);
            fall_back(r, url, q);
        }
        /* Where a redirect led nobody may send us to a token server of his. */
        if (q < 0 || ret->status != 401 || answered || !home || ret->elsewhere)
            return q;
        q = auth_answer(r, h, ret, url, c->scope, used, err);
        if (q < 0)
            return q;
    }
}

/* What is to be done about a connection that cannot be made. */
static int advise(const struct registry *r, int q, struct err *err)
{
    auto_free char *said = err ? xstrdup(err->message) : NULL;
    if (said && q == -EKEYREJECTED)
        return err_set(err, q,
                       "%.500s: put the authority's certificate into "
                       "~/.config/containers/certs.d/%s/ca.crt, or use --tls-verify=false",
                       said, r->name);
    if (said && q == -EPROTO && strstr(said, "plain HTTP"))
        return err_set(err, q,
                       "%.500s: if that is meant to be, use --tls-verify=false, or insecure = true "
                       "for %s in registries.conf",
                       said, r->name);
    return q;
}

int registry_try(struct registry *r, const struct call *c, struct http_response *ret,
                 struct err *err)
{
    struct http *h = registry_take(r);
    int q = try_with(r, h, c, ret, err);
    registry_give(r, h);
    return q < 0 ? advise(r, q, err) : q;
}

void registry_retry_init(const struct registry *r, struct retry *t)
{
    retry_init(t, r->retries, r->retry_delay, r->config.cancel);
}

int registry_call(struct registry *r, const struct call *c, struct http_response *ret,
                  struct err *err)
{
    struct retry retry;
    registry_retry_init(r, &retry);
    for (;;) {
        int q = registry_try(r, c, ret, err);
        if (!http_transient(q, ret->status) || !retry_wait(&retry, q == 0 ? ret : NULL))
            return q;
    }
}

/* --- what a refusal means ----------------------------------------------------------------- */

/* The message in {"errors": [{"code", "message"}]}, fit to be shown. */
static void server_said(const struct http_response *response, struct buf *out)
{
    auto_json json_t *json = NULL;
    if (json_parse(buf_str(&response->body), response->body.len, &json, NULL) < 0)
        return;
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
    const char *text = json_get_string(first, "message", NULL);
    if (!text || !*text)
        text = json_get_string(first, "code", "");
    buf_add_shown(out, text, strnlen(text, 200));
}

static int access_denied(const struct registry *r, const struct http_response *response,
                         const char *what, const char *said, struct err *err)
{
    const char *colon = *said ? ": " : "";
    if (!r->user && !r->identity_token)
        return err_set(err, -EACCES, "%s: %s denies access%s%s; if it is private: wherry login %s",
                       what, r->name, colon, said, r->name);
    if (response->status == 401 && r->basic)
        return err_set(err, -EACCES, "%s: %s does not accept the user name or the password", what,
                       r->name);
    return err_set(err, -EACCES, "%s: %s does not let the user that is logged in do that%s%s", what,
                   r->name, colon, said);
}

int registry_refused(const struct registry *r, const struct http_response *response,
                     const char *what, struct err *err)
{
    auto_buf said = {0};
    server_said(response, &said);
    const char *colon = said.len ? ": " : "";
    switch (response->status) {
    case 401:
    case 403: return access_denied(r, response, what, buf_str(&said), err);
    case 404:
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "%s: not found in %s%s%s", what, r->name,
                        colon, buf_str(&said));
    case 429:
        return err_set(err, -EBUSY, "%s: %s asks for patience (too many requests)%s%s", what,
                       r->name, colon, buf_str(&said));
    default:
        return err_set(err, -EIO, "%s: %s answered with status %ld%s%s", what, r->name,
                       response->status, colon, buf_str(&said));
    }
}

int registry_check(struct registry *r, struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    struct call c = {.method = "GET", .path = "/v2/", .scope = "", .limit = HTTP_ERROR_MAX};
    int q = registry_call(r, &c, &response, err);
    if (q < 0 || response.status == 200)
        return q;
    if (response.status == 401 || response.status == 403)
        return registry_refused(r, &response, "user and password", err);
    return err_set(err, -EPROTO, "%s is no registry (status %ld for /v2/)", r->name,
                   response.status);
}
