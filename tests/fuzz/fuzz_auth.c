/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: WWW-Authenticate headers, one a line, and where they send us: the steps of
 * registry/auth.c from a 401 to the token server's URL. */
#include "base/alloc.h"
#include "base/buf.h"
#include "registry/challenge.h"
#include "registry/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool yes)
{
    if (!yes)
        abort();
}

/* A URL that we would ask: nothing in it ends the request's line or names a user. */
static void check_url(const char *url)
{
    const char *host = strstr(url, "://") + 3, *end = host + strcspn(host, "/?#");
    must(strncmp(url, "http://", 7) == 0 || http_url_is_https(url));
    must(end > host && !memchr(host, '@', (size_t)(end - host)));
    for (const char *s = url; *s; s++)
        must((unsigned char)*s > ' ' && *s != 127);
    must(http_url_same_origin(url, url));
}

static void follow(const struct challenge *c)
{
    char *url = c->realm && strstr(c->realm, "://") ? http_url_resolve(c->realm, c->realm) : NULL;
    if (!url)
        return;
    check_url(url);
    auto_free char *before = xstrdup(url);
    if (c->service)
        url = http_url_add(url, "service", c->service);
    if (c->scope)
        url = http_url_add(url, "scope", c->scope);
    auto_free char *whole = url;
    check_url(whole);
    must(http_url_same_origin(before, whole)); /* no parameter leads to another server */
    auto_free char *elsewhere = http_url_resolve(whole, c->realm); /* as a Location would */
    must(!elsewhere || http_url_same_origin(before, elsewhere));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_done(challenges) struct challenges all = {0};
    auto_buf text = {0};
    buf_add(&text, data, size);
    char *rest = (char *)buf_str(&text), *line;
    while ((line = strsep(&rest, "\n")))
        challenges_parse(line, &all);
    must(all.n <= CHALLENGES_MAX);
    for (size_t i = 0; i < all.n; i++) {
        must(*all.v[i].scheme && !strpbrk(all.v[i].scheme, "ABCDEFGHIJKLMNOPQRSTUVWXYZ \t,\""));
        must(challenges_find(&all, all.v[i].scheme) != NULL);
        follow(&all.v[i]);
    }
    return 0;
}
