/* SPDX-License-Identifier: Apache-2.0 */
/* Logical lines of a Dockerfile.
 *
 * Theory of operation. Physical lines are read one by one. While the file begins with directive
 * comments (syntax, escape, check), they are obeyed. Then lines are joined as long as they end in
 * the escape character; comment lines vanish, also between the parts. When the joined line is an
 * instruction that takes heredocs and announces some, the lines that follow are theirs, untouched,
 * up to each one's delimiter. */
#include "builder/lexer.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "builder/expand.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct source {
    const char *file_name;
    const char *text;
    size_t len, pos;
    unsigned line; /* number of the line read last */
    struct ast_file *warn;
};

struct span {
    const char *p;
    size_t n;
};

int lexer_error(struct err *err, const char *file_name, unsigned line, const char *text,
                const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    auto_free char *message = xvasprintf(fmt, ap);
    va_end(ap);
    err_set(err, -EINVAL, "%.600s", message);
    return lexer_error_wrap(err, file_name, line, text);
}

int lexer_error_wrap(struct err *err, const char *file_name, unsigned line, const char *text)
{
    if (!err)
        return -EINVAL;
    auto_free char *message = xstrdup(err->message), *shown = xstrndup(text, 160);
    for (char *c = shown; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    }
    struct err was = *err;
    err_set(err, was.code, "%.100s:%u: %.600s\n%5u | %s", file_name, line, message, line, shown);
    err->kind = was.kind;
    err->status = was.status;
    return was.code;
}

static bool space_or_tab(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim_left(struct span s)
{
    while (s.n > 0 && lexer_is_space(*s.p)) {
        s.p++;
        s.n--;
    }
    return s;
}

/* The next physical line without its newline: 1; 0 at the end. */
static int next_line(struct source *s, struct span *ret, struct err *err)
{
    if (s->pos >= s->len)
        return 0;
    const char *p = s->text + s->pos, *nl = memchr(p, '\n', s->len - s->pos);
    size_t n = nl ? (size_t)(nl - p) : s->len - s->pos;
    s->pos += n + (nl != NULL);
    s->line++;
    if (n > LEXER_LINE_MAX)
        return lexer_error(err, s->file_name, s->line, "", "the line is longer than %u bytes",
                           LEXER_LINE_MAX);
    *ret = (struct span){p, n};
    return 1;
}

static struct span without_cr(struct span s)
{
    while (s.n > 0 && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

static bool is_comment(struct span s)
{
    s = trim_left(s);
    return s.n > 0 && *s.p == '#';
}

/* "# key = value": 1 and the parts; 0 when the line has another form. */
static bool split_directive(struct span s, struct span *ret_key, struct span *ret_value)
{
    s = trim_left(without_cr(s));
    if (s.n == 0 || *s.p != '#')
        return false;
    s = trim_left((struct span){s.p + 1, s.n - 1});
    struct span key = {s.p, 0};
    while (key.n < s.n && isalnum((unsigned char)s.p[key.n]))
        key.n++;
    if (key.n == 0 || !isalpha((unsigned char)*key.p))
        return false;
    s = trim_left((struct span){s.p + key.n, s.n - key.n});
    if (s.n == 0 || *s.p != '=')
        return false;
    s = trim_left((struct span){s.p + 1, s.n - 1});
    while (s.n > 0 && lexer_is_space(s.p[s.n - 1]))
        s.n--;
    *ret_key = key;
    *ret_value = s;
    return s.n > 0;
}

static int set_escape(struct source *s, struct span value, const char *line, char *escape,
                      struct err *err)
{
    if (value.n != 1 || (*value.p != '\\' && *value.p != '`'))
        return lexer_error(err, s->file_name, s->line, line,
                           "invalid escape directive '%.*s': must be ` or \\",
                           (int)(value.n < 40 ? value.n : 40), value.p);
    *escape = *value.p;
    return 0;
}

/* Reads the directives at the top; leaves the source at the first other line. */
static int read_directives(struct source *s, char *escape, struct err *err)
{
    static const char *const known[] = {"syntax", "escape", "check"};
    unsigned seen = 0;
    for (;;) {
        struct source ahead = *s;
        struct span line, key, value;
        int r = next_line(&ahead, &line, err);
        if (r <= 0)
            return r;
        if (!split_directive(line, &key, &value))
            return 0;
        size_t i = 0;
        while (i < 3 && (strlen(known[i]) != key.n || strncasecmp(known[i], key.p, key.n) != 0))
            i++;
        if (i == 3)
            return 0;
        *s = ahead;
        auto_free char *text = xstrndup(line.p, line.n);
        if (seen & (1u << i))
            return lexer_error(err, s->file_name, s->line, text,
                               "only one %s parser directive can be used", known[i]);
        seen |= 1u << i;
        if (i == 1 && (r = set_escape(s, value, text, escape, err)) < 0)
            return r;
    }
}

/* Cuts an escape character at the end, white space behind it included: true when there was one. A
 * doubled escape character is no continuation. */
static bool cut_continuation(struct span *s, char escape)
{
    size_t n = s->n;
    while (n > 0 && space_or_tab(s->p[n - 1]))
        n--;
    if (n == 0 || s->p[n - 1] != escape || (n > 1 && s->p[n - 2] == escape))
        return false;
    s->n = n - 1;
    return true;
}

/* Joins the lines of one instruction that begins with `first`. */
static int join_lines(struct source *s, char escape, struct span first, struct buf *line,
                      struct err *err)
{
    struct span part = trim_left(without_cr(first));
    bool more = cut_continuation(&part, escape), warned = false;
    unsigned begin = s->line;
    buf_add(line, part.p, part.n);
    while (more) {
        int r = next_line(s, &part, err);
        if (r <= 0)
            return r;
        if (is_comment(part))
            continue;
        part = without_cr(part);
        if (trim_left(part).n == 0) {
            if (!warned)
                ast_warn(s->warn, begin, "NoEmptyContinuation", xstrdup("Empty continuation line"));
            warned = true;
            continue;
        }
        more = cut_continuation(&part, escape);
        buf_add(line, part.p, part.n);
    }
    return 0;
}

bool lexer_heredoc_word(const char *word, struct ast_heredoc *ret)
{
    while (isdigit((unsigned char)*word))
        word++;
    if (strncmp(word, "<<", 2) != 0)
        return false;
    word += 2;
    bool strip = *word == '-';
    word += strip;
    while (lexer_is_space(*word))
        word++;
    if (!*word || strchr(word, '<'))
        return false;
    /* Read with and without its quotes: when that differs, some part is quoted. */
    auto_strv plain = {0}, raw = {0};
    struct expand x = {.escape = '\\', .flags = EXPAND_NO_VARS};
    if (expand_words(&x, word, &plain, NULL) < 0 || plain.len != 1)
        return false;
    x.flags |= EXPAND_RAW_QUOTES | EXPAND_RAW_ESCAPES;
    if (expand_words(&x, word, &raw, NULL) < 0 || raw.len != 1)
        return false;
    *ret = (struct ast_heredoc){
        .name = xstrdup(plain.v[0]),
        .expand = strcmp(plain.v[0], raw.v[0]) == 0,
        .strip_tabs = strip,
    };
    return true;
}

/* True for "RUN", "COPY", "ADD", also behind ONBUILD. */
static bool takes_heredocs(const char *line)
{
    static const char *const words[] = {"RUN", "COPY", "ADD"};
    size_t n = strcspn(line, " \t\v\f\r");
    if (n == 7 && strncasecmp(line, "ONBUILD", 7) == 0) {
        line += n + strspn(line + n, " \t\v\f\r");
        n = strcspn(line, " \t\v\f\r");
    }
    for (size_t i = 0; i < 3; i++) {
        if (strlen(words[i]) == n && strncasecmp(line, words[i], n) == 0)
            return true;
    }
    return false;
}

/* Reads the lines of one heredoc up to its delimiter. */
static int read_heredoc(struct source *s, struct ast_heredoc *h, const struct lexer_line *at,
                        struct err *err)
{
    auto_buf data = {0};
    struct span line;
    int r;
    while ((r = next_line(s, &line, err)) > 0) {
        while (h->strip_tabs && line.n > 0 && *line.p == '\t') {
            line.p++;
            line.n--;
        }
        struct span end = without_cr(line);
        if (end.n == strlen(h->name) && memcmp(end.p, h->name, end.n) == 0) {
            h->data = buf_take(&data);
            return 0;
        }
        buf_add(&data, line.p, line.n);
        buf_add_char(&data, '\n');
    }
    if (r < 0)
        return r;
    return lexer_error(err, s->file_name, at->line, at->text,
                       "the heredoc is not terminated: no line \"%.80s\" follows", h->name);
}

static int read_heredocs(struct source *s, struct lexer_line *line, struct err *err)
{
    if (!takes_heredocs(line->text) || !strstr(line->text, "<<"))
        return 0;
    auto_strv words = {0};
    struct expand x = {.escape = '\\',
                       .flags = EXPAND_NO_VARS | EXPAND_RAW_QUOTES | EXPAND_RAW_ESCAPES};
    if (expand_words(&x, line->text, &words, NULL) < 0)
        return 0; /* open quotes: the shell's business, and no heredoc */
    size_t cap = 0;
    strv_foreach (&words, word) {
        struct ast_heredoc h;
        if (!lexer_heredoc_word(word, &h))
            continue;
        grow_array(line->heredocs, line->n_heredocs, cap);
        line->heredocs[line->n_heredocs++] = h;
        int r = read_heredoc(s, &line->heredocs[line->n_heredocs - 1], line, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static void line_done(struct lexer_line *l)
{
    free(l->text);
    ast_heredocs_free(l->heredocs, l->n_heredocs);
}

static int read_instruction(struct source *s, struct span first, struct lexer_file *f,
                            struct err *err)
{
    auto_buf joined = {0};
    unsigned begin = s->line;
    int r = join_lines(s, f->escape, first, &joined, err);
    if (r < 0)
        return r;
    while (joined.len > 0 && lexer_is_space(joined.data[joined.len - 1]))
        buf_truncate(&joined, joined.len - 1);
    size_t skip = 0;
    while (skip < joined.len && lexer_is_space(joined.data[skip]))
        skip++;
    buf_consume(&joined, skip);
    if (joined.len == 0)
        return 0;
    grow_array(f->lines, f->n_lines, f->cap_lines);
    struct lexer_line *line = &f->lines[f->n_lines++];
    *line = (struct lexer_line){.text = buf_take(&joined), .line = begin};
    r = read_heredocs(s, line, err);
    line->line_end = s->line;
    return r;
}

int lexer_read(const char *file_name, const char *text, size_t len, struct ast_file *warn,
               struct lexer_file *ret, struct err *err)
{
    struct source s = {.file_name = file_name, .text = text, .len = len, .warn = warn};
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        s.pos = 3;
    if (len > 0 && memchr(text, 0, len))
        return err_set(err, -EINVAL, "%.100s: the file has a NUL byte, so it is no text",
                       file_name);
    auto_done(lexer_file) struct lexer_file f = {.escape = '\\'};
    int r = read_directives(&s, &f.escape, err);
    if (r < 0)
        return r;
    struct span line;
    while ((r = next_line(&s, &line, err)) > 0) {
        if (is_comment(line) || trim_left(line).n == 0)
            continue;
        r = read_instruction(&s, line, &f, err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    if (f.n_lines == 0)
        return err_set(err, -EINVAL, "%.100s: the file has no instructions", file_name);
    *ret = f;
    f = (struct lexer_file){0};
    return 0;
}

void lexer_file_done(struct lexer_file *f)
{
    for (size_t i = 0; i < f->n_lines; i++)
        line_done(&f->lines[i]);
    free(f->lines);
    *f = (struct lexer_file){0};
}
