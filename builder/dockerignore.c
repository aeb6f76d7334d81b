/* SPDX-License-Identifier: Apache-2.0 */
/* Ignore files of a build context.
 *
 * Theory of operation. Each pattern becomes a list of elements. Matching keeps the set of positions
 * in the path that the elements so far can reach, so its work is elements times length, whatever
 * the pattern. A set that holds position i where path[i] is '/' or the end, after the last element,
 * means that this parent, or the path itself, matches. Rules: docs.docker.com/build/concepts/
 * context/#dockerignore-files. */
#include "builder/dockerignore.h"

#include "base/alloc.h"
#include "base/safepath.h"
#include "builder/glob.h"
#include "builder/utf8.h"

#include <stdint.h>
#include <string.h>

enum elem_kind {
    ELEM_CHAR,
    ELEM_ONE,  /* ?: one character but '/' */
    ELEM_STAR, /* *: any run without '/' */
    ELEM_SET,  /* [...] */
    ELEM_DIRS, /* **\/: nothing, or whatever ends in '/' */
    ELEM_REST, /* ** at the end: everything */
};

struct elem {
    enum elem_kind kind;
    uint32_t c;      /* ELEM_CHAR */
    const char *set; /* ELEM_SET: behind '[' */
};

struct ignore_pattern {
    char *text; /* cleaned, without '!' and leading '/' */
    bool exception;
    struct elem *v;
    size_t n;
};

void ignore_list_done(struct ignore_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].text);
        free(l->v[i].v);
    }
    free(l->v);
    *l = (struct ignore_list){0};
}

/* --- parsing ------------------------------------------------------------------------------ */

/* The pattern is well-formed, so every set is closed and no backslash stands at the end. */
static const char *next_elem(const char *p, struct elem *ret)
{
    bool dummy;
    *ret = (struct elem){0};
    if (p[0] == '*' && p[1] == '*') {
        p += 2;
        p += *p == '/';
        ret->kind = *p ? ELEM_DIRS : ELEM_REST;
        return p;
    }
    if (*p == '*' || *p == '?') {
        ret->kind = *p == '*' ? ELEM_STAR : ELEM_ONE;
        return p + 1;
    }
    if (*p == '[') {
        ret->kind = ELEM_SET;
        ret->set = p + 1;
        return glob_set_match(p + 1, 0, &dummy);
    }
    p += *p == '\\';
    ret->kind = ELEM_CHAR;
    return p + utf8_next(p, &ret->c);
}

static int add_pattern(struct ignore_list *l, const char *written, struct err *err)
{
    bool exception = *written == '!';
    written += exception;
    written += strspn(written, " \t");
    if (exception && !*written)
        return err_set(err, -EINVAL, "illegal exclusion pattern: \"!\"");
    auto_free char *clean = path_clean(written);
    const char *text = clean[0] == '/' && clean[1] ? clean + 1 : clean;
    bool dummy;
    int r = glob_match(text, ".", &dummy, err); /* the check BuildKit makes */
    if (r < 0)
        return r;
    grow_array(l->v, l->n, l->cap);
    struct ignore_pattern *p = &l->v[l->n++];
    *p = (struct ignore_pattern){.text = xstrdup(text), .exception = exception};
    p->v = xcalloc(strlen(text) + 1, sizeof(*p->v));
    for (const char *s = p->text; *s;)
        s = next_elem(s, &p->v[p->n++]);
    l->has_exceptions |= exception;
    return 0;
}

int ignore_parse(const char *file_name, const char *text, size_t len, struct ignore_list *ret,
                 struct err *err)
{
    auto_done(ignore_list) struct ignore_list l = {0};
    const char *p = text, *end = text + len;
    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    for (unsigned line = 1; p < end; line++) {
        const char *nl = memchr(p, '\n', end - p), *stop = nl ? nl : end;
        const char *s = p, *e = stop;
        p = nl ? nl + 1 : end;
        if (s < e && *s == '#')
            continue;
        while (s < e && strchr(" \t\r\v\f", *s))
            s++;
        while (s < e && strchr(" \t\r\v\f", e[-1]))
            e--;
        if (s == e)
            continue;
        auto_free char *pattern = xstrndup(s, e - s);
        struct err local = {0};
        int r = add_pattern(&l, pattern, &local);
        if (r < 0)
            return err_set(err, r, "%.100s:%u: %s", file_name, line, local.message);
    }
    *ret = l;
    l = (struct ignore_list){0};
    return 0;
}

/* --- matching ----------------------------------------------------------------------------- */

/* Elements that can match more than one character. */
static void step_run(const struct elem *e, const char *s, size_t len, const char *in, char *out)
{
    bool open = false; /* some position at or before this one is reached and may be left */
    for (size_t i = 0; i <= len; i++) {
        if (e->kind == ELEM_STAR) {
            open = in[i] || (open && s[i - 1] != '/');
            out[i] = open;
        } else if (e->kind == ELEM_REST) {
            open |= in[i];
            out[i] = open;
        } else {
            out[i] = in[i] || (open && s[i - 1] == '/');
            open |= in[i];
        }
    }
}

static void step(const struct elem *e, const char *s, size_t len, const char *in, char *out)
{
    memset(out, 0, len + 1);
    if (e->kind == ELEM_STAR || e->kind == ELEM_REST || e->kind == ELEM_DIRS) {
        step_run(e, s, len, in, out);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        uint32_t c;
        bool ok = false;
        if (!in[i])
            continue;
        size_t n = utf8_next(s + i, &c);
        if (e->kind == ELEM_SET)
            glob_set_match(e->set, c, &ok);
        else
            ok = e->kind == ELEM_ONE ? c != '/' : c == e->c;
        if (ok)
            out[i + n] = 1;
    }
}

/* True when the pattern matches the path or one of its parents. */
static bool matches(const struct ignore_pattern *p, const char *path, size_t len, char *maps)
{
    char *in = maps, *out = maps + len + 1;
    memset(in, 0, len + 1);
    in[0] = 1;
    for (size_t i = 0; i < p->n; i++) {
        step(&p->v[i], path, len, in, out);
        char *t = in;
        in = out;
        out = t;
    }
    for (size_t i = 1; i <= len; i++) {
        if (in[i] && (path[i] == '/' || !path[i]))
            return true;
    }
    return false;
}

bool ignore_match(const struct ignore_list *l, const char *path)
{
    size_t len = strlen(path);
    auto_free char *maps = xcalloc(len + 1, 2);
    bool ignored = false;
    for (size_t i = 0; i < l->n; i++) {
        /* A pattern that would not change the answer need not be tried. */
        if (ignored == l->v[i].exception && matches(&l->v[i], path, len, maps))
            ignored = !l->v[i].exception;
    }
    return ignored;
}

bool ignore_prune(const struct ignore_list *l, const char *path)
{
    if (!ignore_match(l, path))
        return false;
    size_t len = strlen(path);
    for (size_t i = 0; i < l->n; i++) {
        const struct ignore_pattern *p = &l->v[i];
        if (!p->exception)
            continue;
        /* Can the exception's fixed beginning and the directory be on the same way? */
        size_t fixed = strcspn(p->text, "*?[\\");
        size_t common = fixed < len ? fixed : len;
        if (strncmp(p->text, path, common) != 0)
            continue;
        if (fixed <= len || p->text[len] == '/')
            return false;
    }
    return true;
}
