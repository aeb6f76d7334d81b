/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate.
 *
 * Theory of operation. The grammar is a list of challenges whose parameters are a list as well,
 * both separated by commas: `Bearer realm="x", scope="y", Basic realm="z"`. A word that is followed
 * by
 * "=" and a value is a parameter of the challenge before it, any other word begins a challenge.
 * What Negotiate and the like put behind the scheme (token68) looks like a word with "=" at its
 * end. */
#include "registry/challenge.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SPACE " \t"

void challenges_done(struct challenges *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].scheme);
        free(c->v[i].realm);
        free(c->v[i].service);
        free(c->v[i].scope);
        free(c->v[i].error);
    }
    *c = (struct challenges){0};
}

const struct challenge *challenges_find(const struct challenges *c, const char *scheme)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->v[i].scheme, scheme) == 0)
            return &c->v[i];
    return NULL;
}

/* A quoted string at *p, which stands on the quote. False when it does not end. */
static bool quoted(const char **p, struct buf *out)
{
    const char *s = *p + 1;
    for (; *s && *s != '"'; s++) {
        if (*s == '\\' && s[1])
            s++;
        buf_add_char(out, *s);
    }
    *p = *s ? s + 1 : s;
    return *s;
}

static void set_parameter(struct challenge *c, const char *name, size_t len, struct buf *value)
{
    static const struct {
        const char *name;
        size_t offset;
    } known[] = {
        {"realm", offsetof(struct challenge, realm)},
        {"service", offsetof(struct challenge, service)},
        {"scope", offsetof(struct challenge, scope)},
        {"error", offsetof(struct challenge, error)},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strlen(known[i].name) != len || strncasecmp(known[i].name, name, len) != 0)
            continue;
        char **at = (char **)((char *)c + known[i].offset);
        if (!*at) /* the first one counts */
            *at = xstrdup(buf_str(value));
    }
}

/* The value after "name=" at *p. */
static bool parameter(struct challenge *c, const char *name, size_t len, const char **p)
{
    auto_buf value = {0};
    *p += strspn(*p, SPACE);
    if (**p == '"') {
        if (!quoted(p, &value))
            return false;
    } else {
        size_t n = strspn(*p, TOKEN "/:"); /* some servers do not quote a URL */
        if (n == 0) {                      /* the end of a token68 */
            *p += strspn(*p, "=");
            return true;
        }
        buf_add(&value, *p, n);
        *p += n;
    }
    if (c)
        set_parameter(c, name, len, &value);
    return true;
}

static struct challenge *begin(struct challenges *all, const char *scheme, size_t len)
{
    if (all->n == CHALLENGES_MAX)
        return NULL;
    struct challenge *c = &all->v[all->n++];
    *c = (struct challenge){.scheme = xstrndup(scheme, len)};
    for (char *s = c->scheme; *s; s++)
        *s = (char)tolower((unsigned char)*s);
    return c;
}

bool challenges_parse(const char *value, struct challenges *ret)
{
    struct challenge *current = NULL;
    const char *p = value;
    bool any = false;
    for (;;) {
        p += strspn(p, SPACE ",");
        if (!*p)
            return true;
        const char *word = p;
        size_t len = strspn(p, TOKEN "/"); /* "/": of a token68 */
        if (len == 0)
            return false;
        p += len;
        const char *after = p + strspn(p, SPACE);
        if (*after == '=') {
            p = after + 1;
            if (!any || !parameter(current, word, len, &p))
                return false;
        } else {
            any = true;
            current = begin(ret, word, len);
        }
    }
}
