/* SPDX-License-Identifier: Apache-2.0 */
/* Being let in: Basic, and Bearer with docker's token protocol.
 *
 * Theory of operation. A registry answers 401 with a challenge. Basic: user name and password go
 * with each request from then on. Bearer: the challenge names a token server (realm), which gives a
 * token for a scope, to us if we say who we are or to anybody. The token server may be another host
 * than the registry: the protocol has it so (docker.io asks auth.docker.io), and the registry's
 * word, which came over TLS, is what makes it trusted. But it must be https when the registry is,
 * and credentials go to it in this one request and through no redirect (http.c). A token is kept
 * for its scope until it expires; one that a registry refuses is replaced once. */
#include "registry/internal.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"
#include "registry/challenge.h"

#include <string.h>

#define TOKEN_MAX      (32 * 1024) /* characters: what fits into a server's headers */
#define TOKEN_SECONDS  60          /* when the server does not say, it is that long */
#define TOKEN_LEEWAY   5
#define TOKEN_BODY_MAX (256 * 1024)

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static char *basic_header(const struct registry *r)
{
    auto_free char *pair = xasprintf("%s:%s", r->user, r->password);
    auto_free char *text = base64_encode(pair, strlen(pair));
    return xasprintf("Basic %s", text);
}

static char *token_find(struct registry *r, const char *scope)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        const struct token *t = &r->tokens[i];
        if (t->scope && strcmp(t->scope, scope) == 0 && t->until > now())
            return xstrdup(t->value);
    }
    return NULL;
}

char *auth_header(struct registry *r, const char *scope)
{
    pthread_mutex_lock(&r->lock);
    char *value = r->basic ? basic_header(r) : token_find(r, scope);
    pthread_mutex_unlock(&r->lock);
    return value;
}

static void token_keep(struct registry *r, const char *scope, const char *value, int64_t seconds)
{
    pthread_mutex_lock(&r->lock);
    struct token *t = NULL;
    for (size_t i = 0; i < TOKENS_MAX && !t; i++)
        if (r->tokens[i].scope && strcmp(r->tokens[i].scope, scope) == 0)
            t = &r->tokens[i];
    if (!t)
        t = &r->tokens[r->next_token++ % TOKENS_MAX];
    free(t->scope);
    free(t->value);
    *t = (struct token){
        .scope = xstrdup(scope),
        .value = xasprintf("Bearer %s", value),
        .until = now() + (time_t)(seconds > TOKEN_LEEWAY * 2 ? seconds - TOKEN_LEEWAY : seconds),
    };
    pthread_mutex_unlock(&r->lock);
}

/* Printable ASCII without blanks: what may stand in a header. */
static bool token_valid(const char *s)
{
    size_t n = 0;
    while (s[n] > ' ' && s[n] < 127)
        n++;
    return n > 0 && n <= TOKEN_MAX && !s[n];
}

static int token_parse(const struct http_response *response, char **ret, int64_t *ret_seconds,
                       struct err *err)
{
    auto_json json_t *json = NULL;
    auto_free char *token = NULL;
    int64_t seconds = TOKEN_SECONDS;
    int r = json_parse(buf_str(&response->body), response->body.len, &json, err);
    if (r == 0)
        r = json_want_string(json, "access_token", &token, err);
    if (r == 0)
        r = json_want_string(json, "token", &token, err);
    if (r == 0)
        r = json_want_int(json, "expires_in", &seconds, err);
    if (r == 0 && (!token || !token_valid(token)))
        r = err_set(err, -EPROTO, "it gave no valid token");
    if (r < 0)
        return r;
    *ret = take_ptr(token);
    *ret_seconds = seconds < TOKEN_SECONDS ? TOKEN_SECONDS : seconds > 86400 ? 86400 : seconds;
    return 0;
}

/* GET realm?service=...&scope=..., saying who we are if we can. */
static int ask_by_get(struct registry *r, struct http *h, const char *realm,
                      const struct challenge *c, const struct strv *scopes,
                      struct http_response *ret, struct err *err)
{
    char *url = xstrdup(realm);
    auto_free char *authorization = r->user ? basic_header(r) : NULL;
    if (c->service)
        url = http_url_add(url, "service", c->service);
    for (size_t i = 0; i < scopes->len; i++)
        url = http_url_add(url, "scope", scopes->v[i]);
    if (r->user)
        url = http_url_add(url, "account", r->user);
    struct http_request req = {
        .method = "GET", .url = url, .authorization = authorization, .limit = TOKEN_BODY_MAX};
    int q = http_exchange(h, &req, ret, err);
    free(url);
    return q;
}

/* POST of a form, with an identity token instead of a password (OAuth 2's refresh token). */
static int ask_by_post(struct registry *r, struct http *h, const char *realm,
                       const struct challenge *c, const struct strv *scopes,
                       struct http_response *ret, struct err *err)
{
    auto_free char *scope = strv_join(scopes, " ");
    char *form = xstrdup("http://x/?grant_type=refresh_token&client_id=wherry");
    form = http_url_add(form, "service", c->service ? c->service : "");
    form = http_url_add(form, "scope", scope);
    form = http_url_add(form, "refresh_token", r->identity_token);
    auto_free char *whole = form;
    const char *body = strchr(whole, '?') + 1;
    auto_strv headers = {0};
    strv_add(&headers, "Content-Type: application/x-www-form-urlencoded");
    struct http_request req = {.method = "POST",
                               .url = realm,
                               .headers = &headers,
                               .body = body,
                               .body_len = strlen(body),
                               .limit = TOKEN_BODY_MAX};
    return http_exchange(h, &req, ret, err);
}

static int token_refused(const struct registry *r, long status, struct err *err)
{
    if (status != 401 && status != 403)
        return err_set(err, -EIO, "the token server of %s answered with status %ld", r->name,
                       status);
    if (r->user || r->identity_token)
        return err_set(err, -EACCES, "%s does not accept the user name or the password", r->name);
    return err_set(err, -EACCES, "%s gives no access without a login: wherry login %s", r->name,
                   r->name);
}

/* Where the challenge sends us; the caller frees. */
static int realm_url(const struct registry *r, const char *url, const struct challenge *c,
                     char **ret, struct err *err)
{
    bool whole = c->realm && strstr(c->realm, "://");
    int q = whole ? http_url_follow(url, c->realm, r->config.insecure, ret) : -EINVAL;
    if (q == -EACCES)
        return err_set(err, -EPROTO, "%s names a token server without TLS: refused", r->name);
    return q < 0 ? err_set(err, -EPROTO, "%s names no valid token server", r->name) : 0;
}

static int token_fetch(struct registry *r, struct http *h, const struct challenge *c,
                       const char *url, const char *scope, struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    auto_free char *realm = NULL, *token = NULL;
    auto_strv scopes = {0};
    int64_t seconds = 0;
    int q = realm_url(r, url, c, &realm, err);
    if (q < 0)
        return q;
    if (*scope || c->scope)
        strv_split(&scopes, *scope ? scope : c->scope, ' ');
    q = r->identity_token ? ask_by_post(r, h, realm, c, &scopes, &response, err)
                          : ask_by_get(r, h, realm, c, &scopes, &response, err);
    if (q == 0 && response.status != 200)
        q = token_refused(r, response.status, err);
    else if (q == 0 && (q = token_parse(&response, &token, &seconds, err)) < 0 && err)
        err_wrap(err, "token server of %s", r->name);
    if (q == 0)
        token_keep(r, scope, token, seconds);
    return q;
}

static int denied(const struct registry *r, struct err *err)
{
    if (r->user || r->identity_token)
        return err_set(err, -EACCES, "%s does not accept the user name or the password", r->name);
    return err_set(err, -EACCES, "%s wants a user name and a password: wherry login %s", r->name,
                   r->name);
}

static int answer(struct registry *r, struct http *h, const struct challenges *all, const char *url,
                  const char *scope, const char *used, struct err *err)
{
    auto_free char *have = auth_header(r, scope);
    if (have && (!used || strcmp(have, used) != 0))
        return 0; /* another thread was here */
    const struct challenge *bearer = challenges_find(all, "bearer");
    if (bearer)
        return token_fetch(r, h, bearer, url, scope, err);
    if (!challenges_find(all, "basic"))
        return err_set(err, -EACCES, "%s wants an authorization of a kind that is not supported",
                       r->name);
    if (used || !r->user)
        return denied(r, err);
    pthread_mutex_lock(&r->lock);
    r->basic = true;
    pthread_mutex_unlock(&r->lock);
    return 0;
}

int auth_answer(struct registry *r, struct http *h, const struct http_response *response,
                const char *url, const char *scope, const char *used, struct err *err)
{
    auto_done(challenges) struct challenges all = {0};
    for (size_t i = 0; i < response->headers.len; i++) {
        const char *line = response->headers.v[i];
        if (strncmp(line, "www-authenticate:", 17) == 0 && !challenges_parse(line + 17, &all))
            log_debug("%s: a challenge that is not well-formed", r->name);
    }
    pthread_mutex_lock(&r->asking);
    int q = answer(r, h, &all, url, scope, used, err);
    pthread_mutex_unlock(&r->asking);
    return q;
}
