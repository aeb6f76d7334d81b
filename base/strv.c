/* SPDX-License-Identifier: Apache-2.0 */
/* A vector of owned strings. */
#include "base/strv.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void strv_clear(struct strv *sv)
{
    for (size_t i = 0; i < sv->len; i++)
        free(sv->v[i]);
    sv->len = 0;
    if (sv->v)
        sv->v[0] = NULL;
}

void strv_done(struct strv *sv)
{
    strv_clear(sv);
    free(sv->v);
    *sv = (struct strv){0};
}

void strv_add_owned(struct strv *sv, char *s)
{
    grow_array(sv->v, sv->len + 1, sv->cap);
    sv->v[sv->len++] = s;
    sv->v[sv->len] = NULL;
}

void strv_add(struct strv *sv, const char *s)
{
    strv_add_owned(sv, xstrdup(s));
}

void strv_addf(struct strv *sv, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    strv_add_owned(sv, xvasprintf(fmt, ap));
    va_end(ap);
}

void strv_extend(struct strv *sv, const struct strv *other)
{
    for (size_t i = 0; i < other->len; i++)
        strv_add(sv, other->v[i]);
}

void strv_remove(struct strv *sv, size_t index)
{
    free(sv->v[index]);
    memmove(sv->v + index, sv->v + index + 1, (sv->len - index) * sizeof(*sv->v));
    sv->len--;
}

bool strv_contains(const struct strv *sv, const char *s)
{
    for (size_t i = 0; i < sv->len; i++)
        if (strcmp(sv->v[i], s) == 0)
            return true;
    return false;
}

char **strv_argv(struct strv *sv)
{
    if (!sv->v) {
        sv->cap = 8;
        sv->v = xcalloc(sv->cap, sizeof(*sv->v));
    }
    return sv->v;
}

void strv_split(struct strv *sv, const char *s, char sep)
{
    while (*s) {
        const char *end = strchrnul(s, sep);
        strv_add_owned(sv, xstrndup(s, (size_t)(end - s)));
        if (!*end)
            return;
        s = end + 1;
        if (!*s)
            strv_add(sv, "");
    }
}

char *strv_join(const struct strv *sv, const char *sep)
{
    auto_buf b = {0};
    for (size_t i = 0; i < sv->len; i++) {
        if (i)
            buf_add_str(&b, sep);
        buf_add_str(&b, sv->v[i]);
    }
    return buf_take(&b);
}

static size_t env_find(const struct strv *sv, const char *name, size_t n)
{
    for (size_t i = 0; i < sv->len; i++)
        if (strncmp(sv->v[i], name, n) == 0 && sv->v[i][n] == '=')
            return i;
    return sv->len;
}

void strv_env_set(struct strv *sv, const char *assignment)
{
    const char *eq = strchr(assignment, '=');
    size_t i = eq ? env_find(sv, assignment, (size_t)(eq - assignment)) : sv->len;
    if (i == sv->len) {
        strv_add(sv, assignment);
        return;
    }
    free(sv->v[i]);
    sv->v[i] = xstrdup(assignment);
}

const char *strv_env_get(const struct strv *sv, const char *name)
{
    size_t n = strlen(name);
    size_t i = env_find(sv, name, n);
    return i < sv->len ? sv->v[i] + n + 1 : NULL;
}
