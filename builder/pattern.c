/* SPDX-License-Identifier: Apache-2.0 */
/* Shell patterns without backtracking.
 *
 * Theory of operation. A pattern is a list of elements. The set of positions in the value that the
 * elements so far can reach is a byte map; each element turns one map into the next, so the work is
 * elements times length whatever the pattern. Run forward from one position the last map holds the
 * ends of matches; run backward from the ends it holds the starts. */
#include "builder/pattern.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"

#include <string.h>

enum { ELEM_BYTE, ELEM_ONE, ELEM_STAR };

struct elem {
    unsigned char kind;
    char byte;
};

struct pattern {
    struct elem *v;
    size_t n;
};

static void pattern_done(struct pattern *p)
{
    free(p->v);
}
DEFINE_AUTO(pattern, pattern_done)

/* '\}' and '\/' only keep the characters from ending the pattern in ${}; other escapes are for what
 * would be wild. */
static int pattern_parse(const char *s, struct pattern *ret, struct err *err)
{
    auto_done(pattern) struct pattern p = {.v = xcalloc(strlen(s) + 1, sizeof(struct elem))};
    for (const char *c = s; *c; c++) {
        struct elem *e = &p.v[p.n++];
        if (*c == '*') {
            e->kind = ELEM_STAR;
            continue;
        }
        if (*c == '?') {
            e->kind = ELEM_ONE;
            continue;
        }
        if (*c == '\\') {
            c++;
            if (!*c || !strchr("*?\\}/", *c))
                return err_set(err, -EINVAL, "invalid pattern (%s) in substitution", s);
        }
        e->kind = ELEM_BYTE;
        e->byte = *c;
    }
    *ret = (struct pattern){take_ptr(p.v), p.n};
    return 0;
}

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The position behind, or in front of, the UTF-8 character at `i`. */
static size_t next_char(const char *s, size_t len, size_t i)
{
    i++;
    while (i < len && is_tail(s[i]))
        i++;
    return i;
}

static size_t prev_char(const char *s, size_t i)
{
    i--;
    while (i > 0 && is_tail(s[i]))
        i--;
    return i;
}

/* A set of positions 0..len with the range that is in use. */
struct reach {
    char *map;
    size_t lo, hi; /* lo > hi: empty */
};

static void step_forward(const struct elem *e, const char *s, size_t len, const struct reach *in,
                         struct reach *out)
{
    out->lo = 1;
    out->hi = 0;
    bool any = false;
    size_t end = e->kind == ELEM_STAR ? len : in->hi;
    for (size_t i = in->lo; i <= end; i++) {
        bool here = i <= in->hi && in->map[i];
        size_t to = i;
        if (e->kind == ELEM_STAR) {
            here = true; /* from lo on everything */
        } else {
            if (!here || i == len || (e->kind == ELEM_BYTE && s[i] != e->byte))
                continue;
            to = e->kind == ELEM_BYTE ? i + 1 : next_char(s, len, i);
        }
        if (!here)
            continue;
        if (!any) {
            out->lo = to;
            any = true;
        } else {
            memset(out->map + out->hi + 1, 0, to - out->hi - 1);
        }
        out->map[to] = 1;
        out->hi = to;
    }
}

/* The end of the shortest or longest match that begins at `start`; false when there is none. */
static bool match_end(const struct pattern *p, const char *s, size_t len, size_t start,
                      bool longest, char *maps, size_t *ret)
{
    struct reach a = {maps, start, start}, b = {maps + len + 1, 1, 0};
    a.map[start] = 1;
    for (size_t i = 0; i < p->n && a.lo <= a.hi; i++) {
        step_forward(&p->v[i], s, len, &a, &b);
        struct reach t = a;
        a = b;
        b = t;
    }
    if (a.lo > a.hi)
        return false;
    *ret = longest ? a.hi : a.lo;
    return true;
}

/* Turns `map` (positions where a match may end) into the positions where one may begin. */
static void match_starts(const struct pattern *p, const char *s, size_t len, char *map, char *tmp)
{
    for (size_t k = p->n; k-- > 0;) {
        const struct elem *e = &p->v[k];
        memset(tmp, 0, len + 1);
        bool seen = false;
        for (size_t i = len + 1; i-- > 0;) {
            if (e->kind == ELEM_STAR) {
                seen |= map[i];
                tmp[i] = seen;
            } else if (map[i] && i > 0 && e->kind == ELEM_ONE) {
                tmp[prev_char(s, i)] = 1;
            } else if (map[i] && i > 0 && s[i - 1] == e->byte) {
                tmp[i - 1] = 1;
            }
        }
        memcpy(map, tmp, len + 1);
    }
}

int pattern_trim_prefix(const char *pattern, const char *value, bool longest, char **ret,
                        struct err *err)
{
    auto_done(pattern) struct pattern p = {0};
    int r = pattern_parse(pattern, &p, err);
    if (r < 0)
        return r;
    size_t len = strlen(value), end = 0;
    auto_free char *maps = xcalloc(len + 1, 2);
    if (!match_end(&p, value, len, 0, longest, maps, &end))
        end = 0;
    *ret = xstrdup(value + end);
    return 0;
}

int pattern_trim_suffix(const char *pattern, const char *value, bool longest, char **ret,
                        struct err *err)
{
    auto_done(pattern) struct pattern p = {0};
    int r = pattern_parse(pattern, &p, err);
    if (r < 0)
        return r;
    size_t len = strlen(value), start = len;
    auto_free char *map = xcalloc(len + 1, 2);
    map[len] = 1;
    match_starts(&p, value, len, map, map + len + 1);
    for (size_t i = 0; i <= len; i++) {
        if (map[i]) {
            start = i;
            if (longest)
                break;
        }
    }
    *ret = xstrndup(value, start);
    return 0;
}

int pattern_replace(const char *pattern, const char *value, const char *with, bool all,
                    size_t limit, char **ret, struct err *err)
{
    auto_done(pattern) struct pattern p = {0};
    int r = pattern_parse(pattern, &p, err);
    if (r < 0)
        return r;
    size_t len = strlen(value), last_end = 0;
    auto_free char *maps = xcalloc(len + 1, 4);
    char *starts = maps + 2 * (len + 1);
    memset(starts, 1, len + 1);
    match_starts(&p, value, len, starts, starts + len + 1);
    auto_buf out = {0};
    bool done = false;
    for (size_t i = 0; i <= len;) {
        size_t end = i;
        bool found = !done && starts[i] && match_end(&p, value, len, i, true, maps, &end);
        /* As Go's regexp: an empty match right behind another match does not count. */
        if (found && !(end == i && i > 0 && last_end == i)) {
            buf_add_str(&out, with);
            last_end = end;
            done = !all;
        }
        if (end == i) {
            if (i == len)
                break;
            end = next_char(value, len, i);
            buf_add(&out, value + i, end - i);
        }
        i = end;
        if (out.len > limit)
            return err_set(err, -E2BIG, "the value after a substitution is too long");
    }
    *ret = buf_take(&out);
    return 0;
}
