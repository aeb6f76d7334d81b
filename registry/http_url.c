/* SPDX-License-Identifier: Apache-2.0 */
/* URLs, through libcurl's parser: the one that also makes the connection. */
#include "registry/http.h"

#include "base/alloc.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static CURLU *parse(const char *url)
{
    CURLU *u = curl_url();
    if (u && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

/* A part, or an empty string; the caller frees. */
static char *part(CURLU *u, CURLUPart which)
{
    char *text = NULL;
    if (!u || curl_url_get(u, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return xstrdup("");
    char *copy = xstrdup(text);
    curl_free(text);
    return copy;
}

/* An empty one counts: "https://@host" would be asked with a name and a password that are empty. */
static bool names_user(CURLU *u)
{
    static const CURLUPart parts[] = {CURLUPART_USER, CURLUPART_PASSWORD};
    bool found = false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        char *text = NULL;
        found = curl_url_get(u, parts[i], &text, 0) == CURLUE_OK || found;
        curl_free(text);
    }
    return found;
}

char *http_url_resolve(const char *base, const char *reference)
{
    CURLU *u = parse(base);
    char *ret = NULL, *text = NULL;
    if (u && curl_url_set(u, CURLUPART_URL, reference, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        auto_free char *scheme = part(u, CURLUPART_SCHEME);
        bool http = strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0;
        curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
        if (http && !names_user(u) && curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
            ret = xstrdup(text);
        curl_free(text);
    }
    curl_url_cleanup(u);
    return ret;
}

bool http_url_same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *x = parse(a), *y = parse(b);
    bool same = x && y;
    for (size_t i = 0; same && i < sizeof(parts) / sizeof(*parts); i++) {
        auto_free char *p = part(x, parts[i]), *q = part(y, parts[i]);
        same = *p && strcasecmp(p, q) == 0;
    }
    curl_url_cleanup(x);
    curl_url_cleanup(y);
    return same;
}

bool http_url_is_https(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0;
}

int http_url_follow(const char *from, const char *to, bool insecure, char **ret)
{
    auto_free char *next = http_url_resolve(from, to);
    if (!next)
        return -EINVAL;
    if (http_url_is_https(from) && !http_url_is_https(next) && !insecure)
        return -EACCES;
    *ret = take_ptr(next);
    return 0;
}

char *http_url_shown(const char *url)
{
    const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
    const char *user_end = memrchr(host, '@', strcspn(host, "/?#"));
    const char *from = user_end ? user_end + 1 : host;
    return xasprintf("%.*s%.*s", (int)(host - url), url, (int)strcspn(from, "?#"), from);
}

char *http_url_add(char *url, const char *name, const char *value)
{
    auto_free char *old = url;
    auto_free char *pair = xasprintf("%s=%s", name, value);
    char *text = NULL, *ret = NULL;
    CURLU *u = parse(url);
    if (u &&
        curl_url_set(u, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
        ret = xstrdup(text);
    curl_free(text);
    curl_url_cleanup(u);
    return ret ? ret : xstrdup(old);
}
