/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's shell-like word processing.
 *
 * Theory of operation. One recursive walk over the text: quotes, escapes and ${...} each have their
 * function, the inside of a substitution is again the whole language up to its end character. What
 * comes out goes to the result and, when words are wanted, into the current word: white space that
 * stands bare or comes from a bare variable ends it. */
#include "builder/expand.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "builder/lexer.h"
#include "builder/pattern.h"

#include <ctype.h>
#include <string.h>

struct walk {
    const struct expand *x;
    const char *p;
    unsigned depth;
    bool raw_escapes;
    struct err *err;
};

struct sink {
    struct buf result;
    struct strv *words; /* NULL: not wanted */
    struct buf word;
};

static void sink_done(struct sink *s)
{
    buf_done(&s->result);
    buf_done(&s->word);
}
DEFINE_AUTO(sink, sink_done)

static int dollar(struct walk *w, struct buf *out);

static void end_word(struct sink *s)
{
    if (s->word.len > 0)
        strv_add_owned(s->words, buf_take(&s->word));
}

static void sink_quoted(struct sink *s, const char *p, size_t n)
{
    buf_add(&s->result, p, n);
    if (s->words)
        buf_add(&s->word, p, n);
}

static void sink_bare(struct sink *s, const char *p, size_t n)
{
    buf_add(&s->result, p, n);
    for (size_t i = 0; s->words && i < n; i++) {
        if (lexer_is_space(p[i]))
            end_word(s);
        else
            buf_add_char(&s->word, p[i]);
    }
}

static int single_quote(struct walk *w, struct buf *out)
{
    const char *start = w->p + 1, *end = strchr(start, '\'');
    if (!end) {
        w->p += strlen(w->p);
        return err_set(w->err, -EINVAL, "a single quote is not closed");
    }
    if (w->x->flags & EXPAND_RAW_QUOTES) {
        start--;
        end++;
    }
    buf_add(out, start, end - start);
    w->p = end + !(w->x->flags & EXPAND_RAW_QUOTES);
    return 0;
}

static int double_quote(struct walk *w, struct buf *out)
{
    bool raw = w->x->flags & EXPAND_RAW_QUOTES, vars = !(w->x->flags & EXPAND_NO_VARS);
    w->p++;
    if (raw)
        buf_add_char(out, '"');
    while (*w->p && *w->p != '"') {
        if (*w->p == '$' && vars) {
            int r = dollar(w, out);
            if (r < 0)
                return r;
            continue;
        }
        if (*w->p == w->x->escape) {
            if (w->raw_escapes)
                buf_add_char(out, *w->p);
            char next = w->p[1];
            if (!next) {
                w->p++;
                break;
            }
            if (next == '"' || next == '$' || next == w->x->escape)
                w->p++;
        }
        buf_add_char(out, *w->p++);
    }
    if (!*w->p)
        return err_set(w->err, -EINVAL, "a double quote is not closed");
    w->p++;
    if (raw)
        buf_add_char(out, '"');
    return 0;
}

/* A bare escape: takes the next character as it is; at the end it vanishes. */
static void escaped(struct walk *w, struct sink *out)
{
    if (w->raw_escapes)
        sink_quoted(out, w->p, 1);
    w->p++;
    if (*w->p)
        sink_quoted(out, w->p++, 1);
}

/* Everything up to `stop`, which is eaten; 0: the end of the text. */
static int process(struct walk *w, char stop, bool raw_escapes, struct sink *out)
{
    bool quotes = !(w->x->flags & EXPAND_NO_QUOTES), saved = w->raw_escapes;
    bool vars = !(w->x->flags & EXPAND_NO_VARS);
    int r = 0;
    w->raw_escapes = raw_escapes;
    while (*w->p && *w->p != stop) {
        char c = *w->p;
        auto_buf part = {0};
        if (c == '$' && vars) {
            r = dollar(w, &part);
            sink_bare(out, buf_str(&part), part.len);
        } else if (quotes && (c == '\'' || c == '"')) {
            r = c == '"' ? double_quote(w, &part) : single_quote(w, &part);
            sink_quoted(out, buf_str(&part), part.len);
        } else if (c == w->x->escape) {
            escaped(w, out);
        } else {
            sink_bare(out, w->p++, 1);
        }
        if (r < 0)
            return r;
        if (out->result.len > EXPAND_LIMIT)
            return err_set(w->err, -E2BIG, "the value is longer than %u bytes", EXPAND_LIMIT);
    }
    w->raw_escapes = saved;
    if (stop && *w->p++ != stop) {
        w->p--;
        return err_set(w->err, -EINVAL, "syntax error: missing '%c' in a substitution", stop);
    }
    return 0;
}

/* The part of ${...} up to `stop`, as a string. */
static int inner(struct walk *w, char stop, bool raw_escapes, char **ret)
{
    if (++w->depth > EXPAND_DEPTH)
        return err_set(w->err, -E2BIG, "substitutions are nested too deeply");
    auto_done(sink) struct sink s = {0};
    int r = process(w, stop, raw_escapes, &s);
    w->depth--;
    if (r < 0 && !*w->p) /* an open quote hides the brace, which is what is missing to the reader */
        return err_set(w->err, r, "syntax error: missing '%c' in a substitution", stop);
    if (r < 0)
        return r;
    *ret = buf_take(&s.result);
    return 0;
}

/* A name, a run of digits, or one special parameter; empty when none of them follows. */
static char *take_name(struct walk *w)
{
    const char *start = w->p;
    if (isdigit((unsigned char)*w->p)) {
        while (isdigit((unsigned char)*w->p))
            w->p++;
    } else if (*w->p && strchr("@*#?-$!", *w->p)) {
        w->p++;
    } else {
        while (isalnum((unsigned char)*w->p) || *w->p == '_')
            w->p++;
    }
    return xstrndup(start, w->p - start);
}

static const char *lookup(struct walk *w, const char *name, bool note)
{
    const char *v = *name && w->x->env ? strv_env_get(w->x->env, name) : NULL;
    if (!v && note && *name && w->x->unset && !strv_contains(w->x->unset, name))
        strv_add(w->x->unset, name);
    return v;
}

static int bad_modifier(struct walk *w, const char *name, const char *modifier, size_t len)
{
    return err_set(w->err, -EINVAL, "unsupported modifier (%.*s) in the substitution of %s",
                   (int)len, modifier, name);
}

/* ${name<op>word} and ${name:<op>word}; w->p is behind the operator. */
static int conditional(struct walk *w, const char *name, char op, bool colon, struct buf *out)
{
    auto_free char *word = NULL;
    int r = inner(w, '}', false, &word);
    if (r < 0)
        return r;
    const char *value = lookup(w, name, false);
    bool usable = value && !(colon && !*value);
    if (op == '-') {
        buf_add_str(out, usable ? value : word);
    } else if (op == '+') {
        buf_add_str(out, usable ? word : "");
    } else if (usable || (w->x->flags & EXPAND_LENIENT)) {
        buf_add_str(out, value ? value : "");
    } else {
        const char *why = value ? "must not be empty" : "must be set";
        return err_set(w->err, -EINVAL, "%s: %s", name, *word ? word : why);
    }
    return 0;
}

/* ${name#p} ${name##p} ${name%p} ${name%%p}; w->p is behind the first operator character. */
static int trimmed(struct walk *w, const char *name, char op, struct buf *out)
{
    auto_free char *word = NULL, *left = NULL;
    int r = inner(w, '}', true, &word);
    if (r < 0)
        return r;
    const char *value = lookup(w, name, true);
    bool longest = *word == op;
    const char *pattern = word + longest;
    value = value ? value : "";
    r = op == '#' ? pattern_trim_prefix(pattern, value, longest, &left, w->err)
                  : pattern_trim_suffix(pattern, value, longest, &left, w->err);
    if (r == 0)
        buf_add_str(out, left);
    return r;
}

/* ${name/p/r} ${name//p/r}; w->p is behind the first slash. */
static int replaced(struct walk *w, const char *name, struct buf *out)
{
    bool all = *w->p == '/';
    w->p += all;
    auto_free char *pattern = NULL, *with = NULL, *result = NULL;
    int r = inner(w, '/', true, &pattern);
    if (r == 0)
        r = inner(w, '}', true, &with);
    if (r < 0)
        return r;
    const char *value = lookup(w, name, true);
    r = pattern_replace(pattern, value ? value : "", with, all, EXPAND_LIMIT, &result, w->err);
    if (r == 0)
        buf_add_str(out, result);
    return r;
}

static int braces(struct walk *w, struct buf *out)
{
    if (!*w->p)
        return err_set(w->err, -EINVAL, "syntax error: missing '}' in a substitution");
    if (strchr("{}:", *w->p))
        return err_set(w->err, -EINVAL, "syntax error: bad substitution");
    auto_free char *name = take_name(w);
    const char *op = w->p;
    if (!*op)
        return err_set(w->err, -EINVAL, "syntax error: missing '}' in a substitution");
    bool colon = *op == ':';
    char c = op[colon];
    w->p = op + colon + (c != 0);
    if (c == '}' && !colon) {
        const char *value = lookup(w, name, true);
        buf_add_str(out, value ? value : "");
        return 0;
    }
    if (c == '-' || c == '+' || c == '?')
        return conditional(w, name, c, colon, out);
    if (c == '#' || c == '%')
        return trimmed(w, name, c, out);
    if (c == '/' && !colon)
        return replaced(w, name, out);
    return bad_modifier(w, name, op, w->p - op);
}

/* At a '$'. */
static int dollar(struct walk *w, struct buf *out)
{
    w->p++;
    if (*w->p == '{') {
        w->p++;
        return braces(w, out);
    }
    auto_free char *name = take_name(w);
    if (!*name) {
        buf_add_char(out, '$');
        return 0;
    }
    const char *value = lookup(w, name, true);
    buf_add_str(out, value ? value : "");
    return 0;
}

static int expand_all(const struct expand *x, const char *s, struct sink *out, struct err *err)
{
    struct walk w = {.x = x, .p = s, .err = err};
    int r = process(&w, 0, x->flags & EXPAND_RAW_ESCAPES, out);
    if (r < 0)
        return r;
    if (out->words)
        end_word(out);
    return 0;
}

int expand_word(const struct expand *x, const char *s, char **ret, struct err *err)
{
    auto_done(sink) struct sink out = {0};
    int r = expand_all(x, s, &out, err);
    if (r < 0)
        return r;
    *ret = buf_take(&out.result);
    return 0;
}

int expand_words(const struct expand *x, const char *s, struct strv *ret, struct err *err)
{
    auto_strv words = {0};
    auto_done(sink) struct sink out = {.words = &words};
    int r = expand_all(x, s, &out, err);
    if (r < 0)
        return r;
    strv_extend(ret, &words);
    return 0;
}
