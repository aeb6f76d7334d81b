/* SPDX-License-Identifier: Apache-2.0 */
/* Go's filepath.Match. Only the last '*' is ever taken back: a later star that could not reach over
 * a '/' would not get there either if an earlier one took more. */
#include "builder/glob.h"

#include "builder/utf8.h"

#include <string.h>

bool glob_has_magic(const char *s)
{
    return s[strcspn(s, "*?[\\")] != 0;
}

/* One end of a range, maybe escaped; NULL when the set is malformed there. */
static const char *set_char(const char *p, uint32_t *ret)
{
    if (!*p || *p == '-' || *p == ']')
        return NULL;
    if (*p == '\\' && !*++p)
        return NULL;
    return p + utf8_next(p, ret);
}

const char *glob_set_match(const char *p, uint32_t c, bool *ret)
{
    bool negated = *p == '^', found = false;
    p += negated;
    for (int n = 0; *p != ']' || n == 0; n++) {
        uint32_t lo, hi;
        p = set_char(p, &lo);
        hi = lo;
        if (p && *p == '-')
            p = set_char(p + 1, &hi);
        if (!p || !*p)
            return NULL;
        found |= lo <= c && c <= hi;
    }
    *ret = found != negated;
    return p + 1;
}

static bool well_formed(const char *p)
{
    bool dummy;
    while (p && *p) {
        if (*p == '[')
            p = glob_set_match(p + 1, 0, &dummy);
        else if (*p == '\\' && !p[1])
            return false;
        else
            p += *p == '\\' ? 2 : 1;
    }
    return p != NULL;
}

/* Matches one element other than '*' at *p against the character at *s; moves both on success. */
static bool match_one(const char **p, const char **s)
{
    uint32_t c, want;
    const char *q = *p;
    size_t n = utf8_next(*s, &c);
    bool ok;
    if (*q == '?') {
        ok = c != '/';
        q++;
    } else if (*q == '[') {
        q = glob_set_match(q + 1, c, &ok);
    } else {
        q += *q == '\\';
        q += utf8_next(q, &want);
        ok = c == want;
    }
    if (ok) {
        *p = q;
        *s += n;
    }
    return ok;
}

int glob_match(const char *pattern, const char *name, bool *ret, struct err *err)
{
    if (!well_formed(pattern))
        return err_set(err, -EINVAL, "syntax error in pattern: %.200s", pattern);
    const char *p = pattern, *s = name, *star = NULL, *star_s = NULL;
    for (;;) {
        if (*p == '*') {
            star = ++p;
            star_s = s;
            continue;
        }
        if (!*p && !*s)
            break;
        if (*p && *s && match_one(&p, &s))
            continue;
        /* The last star takes one character more. */
        uint32_t c;
        if (!star || !*star_s || *star_s == '/') {
            *ret = false;
            return 0;
        }
        star_s += utf8_next(star_s, &c);
        s = star_s;
        p = star;
    }
    *ret = true;
    return 0;
}
