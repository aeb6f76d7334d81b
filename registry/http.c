/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP exchanges: one request, its redirects, one response. */
#include "registry/http_internal.h"

#include "base/alloc.h"
#include "base/log.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define CONNECT_SECONDS 30L
#define RECEIVE_BUFFER  (256 * 1024L)

struct http *http_new(const struct http_config *config)
{
    struct http *h = new0(struct http);
    h->config = config;
    h->curl = curl_easy_init();
    return h;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->curl);
    free(h);
}

void http_response_done(struct http_response *r)
{
    strv_done(&r->headers);
    buf_done(&r->body);
    *r = (struct http_response){0};
}

const char *http_header(const struct http_response *r, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < r->headers.len; i++) {
        const char *line = r->headers.v[i];
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " \t");
    }
    return NULL;
}

bool http_transient(int r, long status)
{
    if (r < 0)
        return r == -ECONNRESET || r == -ETIMEDOUT;
    return status == 429 || status == 408 || status == 500 || (status >= 502 && status <= 504);
}

/* --- libcurl's callbacks ------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct http_hop *hop = arg;
    size_t len = size * n, whole = len;
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        strv_clear(&hop->ret->headers); /* after a 1xx */
        hop->header_bytes = 0;
        return whole;
    }
    hop->header_bytes += len;
    if (hop->header_bytes > HTTP_HEADERS_MAX) {
        hop->failed = err_set(hop->err, -EFBIG, "the server's headers have more than %d bytes",
                              HTTP_HEADERS_MAX);
        return 0;
    }
    while (len && (data[len - 1] == '\r' || data[len - 1] == '\n' || data[len - 1] == ' '))
        len--;
    if (!memchr(data, ':', len) || memchr(data, 0, len))
        return whole;
    char *line = xstrndup(data, len);
    for (char *p = line; *p != ':'; p++)
        *p = (char)tolower((unsigned char)*p);
    strv_add_owned(&hop->ret->headers, line);
    return whole;
}

/* Keeps a body that nobody receives, and what an error or a redirect says. */
static int keep(struct http_hop *hop, bool good, const char *data, size_t len)
{
    struct buf *body = &hop->ret->body;
    size_t limit = good ? hop->req->limit : HTTP_ERROR_MAX;
    size_t room = limit - (body->len < limit ? body->len : limit);
    if (len > room && good)
        return err_set(hop->err, -EFBIG, "the server sent more than %zu bytes", limit);
    buf_add(body, data, len < room ? len : room);
    return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_hop *hop = arg;
    size_t len = size * n;
    long status = 0;
    curl_easy_getinfo(hop->http->curl, CURLINFO_RESPONSE_CODE, &status);
    bool good = status >= 200 && status < 300;
    hop->ret->status = status;
    if (good && hop->req->receive)
        hop->failed = hop->req->receive(hop->req->receive_arg, data, len, hop->err);
    else
        hop->failed = keep(hop, good, data, len);
    return hop->failed ? 0 : len;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct http_hop *hop = arg;
    const atomic_bool *cancel = hop->http->config->cancel;
    return cancel && atomic_load(cancel);
}

/* --- one hop ------------------------------------------------------------------------------ */

static void set_tls(struct http *h)
{
    const struct http_config *c = h->config;
    curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYPEER, c->insecure ? 0L : 1L);
    curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYHOST, c->insecure ? 0L : 2L);
    curl_easy_setopt(h->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->ca.len) {
        /* These beside the system's, which libcurl then takes from its directory alone. */
        struct curl_blob ca = {.data = c->ca.data, .len = c->ca.len, .flags = CURL_BLOB_NOCOPY};
        curl_easy_setopt(h->curl, CURLOPT_CAINFO_BLOB, &ca);
    }
    if (c->cert)
        curl_easy_setopt(h->curl, CURLOPT_SSLCERT, c->cert);
    if (c->key)
        curl_easy_setopt(h->curl, CURLOPT_SSLKEY, c->key);
}

static void set_limits(struct http *h, struct http_hop *hop)
{
    CURL *curl = h->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
                     h->config->stall_seconds < CONNECT_SECONDS ? h->config->stall_seconds
                                                                : CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, h->config->stall_seconds);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, hop);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    /* One blob a connection: nothing to gain from streams in one, which have windows of their own.
     */
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, h->error);
}

/* A header that a server's words could have broken in two is not sent. */
static void add_header(struct http_hop *hop, const char *line)
{
    if (strpbrk(line, "\r\n"))
        log_debug("a header with a line break is left out");
    else
        hop->headers = curl_slist_append(hop->headers, line);
}

static void set_headers(struct http_hop *hop, bool with_auth)
{
    const struct http_request *req = hop->req;
    for (size_t i = 0; req->headers && i < req->headers->len; i++)
        add_header(hop, req->headers->v[i]);
    if (with_auth && req->authorization) {
        auto_free char *line = xasprintf("Authorization: %s", req->authorization);
        add_header(hop, line);
    }
    add_header(hop, "Expect:");
    curl_easy_setopt(hop->http->curl, CURLOPT_HTTPHEADER, hop->headers);
    curl_easy_setopt(hop->http->curl, CURLOPT_USERAGENT, "wherry/" WHERRY_VERSION);
}

void http_hop_prepare(struct http_hop *hop, bool with_auth)
{
    CURL *curl = hop->http->curl;
    curl_easy_reset(curl); /* keeps connections */
    hop->http->error[0] = 0;
    buf_truncate(&hop->ret->body, 0);
    strv_clear(&hop->ret->headers);
    set_limits(hop->http, hop);
    set_tls(hop->http);
    set_headers(hop, with_auth);
    curl_easy_setopt(curl, CURLOPT_URL, hop->url);
    if (strcmp(hop->req->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (strcmp(hop->req->method, "GET") != 0)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, hop->req->method);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, hop);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, hop);
}

void http_hop_done(struct http_hop *hop)
{
    curl_slist_free_all(hop->headers);
    hop->headers = NULL;
}

static int connection_failed(struct http_hop *hop, const char *url, struct err *err)
{
    long number = 0;
    curl_easy_getinfo(hop->http->curl, CURLINFO_OS_ERRNO, &number);
    if (number == ECONNREFUSED)
        return err_set(err, -ECONNREFUSED, "%.300s: connection refused", url);
    return err_set(err, -EHOSTUNREACH, "%.300s: %s", url,
                   number ? strerror((int)number) : "cannot connect");
}

static int tls_failed(struct http_hop *hop, CURLcode code, const char *url, struct err *err)
{
    const char *said = hop->http->error[0] ? hop->http->error : curl_easy_strerror(code);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return err_set(err, -EKEYREJECTED, "%.300s: the certificate is not trusted (%.150s)", url,
                       said);
    if (strstr(said, "wrong version number") || strstr(said, "packet length"))
        return err_set(err, -EPROTO, "%.300s: the server does not speak TLS but plain HTTP", url);
    return err_set(err, -EPROTO, "%.300s: TLS: %.200s", url, said);
}

int http_hop_result(struct http_hop *hop, CURLcode code, struct err *err)
{
    auto_free char *url = http_url_shown(hop->url);
    hop->ret->status = 0;
    curl_easy_getinfo(hop->http->curl, CURLINFO_RESPONSE_CODE, &hop->ret->status);
    log_debug("%s %s: %ld%s%s", hop->req->method, url, hop->ret->status, code ? ", " : "",
              code ? curl_easy_strerror(code) : "");
    if (hop->failed)
        return hop->failed;
    switch (code) {
    case CURLE_OK: return 0;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(err, -EHOSTUNREACH, "%.300s: there is no such host", url);
    case CURLE_COULDNT_CONNECT: return connection_failed(hop, url, err);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, -ETIMEDOUT, "%.300s: nothing came for %ld seconds", url,
                       hop->http->config->stall_seconds);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return tls_failed(hop, code, url, err);
    case CURLE_ABORTED_BY_CALLBACK: return err_set(err, -ECANCELED, "canceled");
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING: return err_set(err, -ECONNRESET, "%.300s: the connection broke", url);
    default:
        return err_set(err, -EIO, "%.300s: %.200s", url,
                       hop->http->error[0] ? hop->http->error : curl_easy_strerror(code));
    }
}

static int one_hop(struct http *h, const struct http_request *req, const char *url, bool with_auth,
                   struct http_response *ret, struct err *err)
{
    struct http_hop hop = {.http = h, .req = req, .ret = ret, .url = url, .err = err};
    if (!h->curl)
        return err_set(err, -ENOMEM, "libcurl gives no handle");
    http_hop_prepare(&hop, with_auth);
    if (req->body) {
        curl_easy_setopt(h->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, req->method);
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, req->body);
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
    }
    int r = http_hop_result(&hop, curl_easy_perform(h->curl), err);
    http_hop_done(&hop);
    return r;
}

/* --- redirects ----------------------------------------------------------------------------- */

static bool is_redirect(const struct http_request *req, const struct http_response *ret)
{
    bool safe = strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;
    return safe && (ret->status == 301 || ret->status == 302 || ret->status == 303 ||
                    ret->status == 307 || ret->status == 308);
}

/* Where to go from `url`; the caller frees. */
static int next_url(const struct http *h, const char *url, const struct http_response *ret,
                    char **ret_url, struct err *err)
{
    auto_free char *from = http_url_shown(url);
    const char *location = http_header(ret, "location");
    int r = location ? http_url_follow(url, location, h->config->insecure, ret_url) : -EINVAL;
    if (r == -EACCES)
        return err_set(err, -EPROTO, "%.300s: a redirect from https to http is refused", from);
    return r < 0 ? err_set(err, -EPROTO, "%.300s: a redirect without a valid location", from) : 0;
}

int http_exchange(struct http *h, const struct http_request *req, struct http_response *ret,
                  struct err *err)
{
    auto_free char *url = xstrdup(req->url);
    for (int hops = 0; hops <= HTTP_REDIRECTS; hops++) {
        bool home = http_url_same_origin(req->url, url);
        int r = one_hop(h, req, url, home, ret, err);
        ret->elsewhere = !home;
        if (r < 0 || !is_redirect(req, ret))
            return r;
        char *next = NULL;
        r = next_url(h, url, ret, &next, err);
        if (r < 0)
            return r;
        free(url);
        url = next;
    }
    auto_free char *from = http_url_shown(req->url);
    return err_set(err, -ELOOP, "%.300s: more than %d redirects", from, HTTP_REDIRECTS);
}
