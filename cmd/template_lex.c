/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: text and actions, tokens. */
#include "base/alloc.h"
#include "cmd/template_internal.h"

#include <ctype.h>
#include <string.h>

void template_place(const char *text, size_t pos, char out[static 48])
{
    size_t line = 1, start = 0;
    for (size_t i = 0; i < pos && text[i]; i++) {
        if (text[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    snprintf(out, 48, "%zu:%zu", line, pos - start + 1);
}

int template_syntax_error(const char *text, size_t pos, struct err *err, const char *fmt, ...)
{
    char place[48];
    template_place(text, pos, place);
    va_list ap;
    va_start(ap, fmt);
    auto_free char *message = xvasprintf(fmt, ap);
    va_end(ap);
    return err_kind(err, ERR_USAGE, -EINVAL, "template: %s: %s", place, message);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters, digits, "_" and whatever is not ASCII. */
static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* "{{-" counts as a trim marker only before a blank: "{{-1}}" is a number. */
static bool trims_before(const char *action)
{
    return action[2] == '-' && is_space(action[3]);
}

/* Skips a comment whose "/" is at `pos`: to behind its "}}". */
static int skip_comment(struct lexer *lx, size_t pos)
{
    const char *end = strstr(lx->text + pos + 2, "*/");
    if (!end)
        return template_syntax_error(lx->text, pos, lx->err, "unclosed comment");
    end += 2;
    if (is_space(*end) && end[1] == '-' && end[2] == '}' && end[3] == '}') {
        lx->trim_next = true;
        lx->pos = (size_t)(end + 4 - lx->text);
        return 0;
    }
    if (end[0] == '}' && end[1] == '}') {
        lx->trim_next = false;
        lx->pos = (size_t)(end + 2 - lx->text);
        return 0;
    }
    return template_syntax_error(lx->text, pos, lx->err, "comment ends before closing delimiter");
}

/* Appends text[0..len) with "\t" and "\n" made what they stand for, trimmed as the actions around
 * it want. */
static void add_text(struct buf *out, const char *text, size_t len, bool trim_left, bool trim_right)
{
    auto_buf plain = {0};
    for (size_t i = 0; i < len; i++) {
        bool escape = text[i] == '\\' && i + 1 < len && (text[i + 1] == 't' || text[i + 1] == 'n');
        buf_add_char(&plain, !escape ? text[i] : text[i + 1] == 't' ? '\t' : '\n');
        i += escape;
    }
    const char *s = buf_str(&plain);
    size_t n = plain.len;
    while (trim_left && n && is_space(*s)) {
        s++;
        n--;
    }
    while (trim_right && n && is_space(s[n - 1]))
        n--;
    buf_add(out, s, n);
}

int template_lex_text(struct lexer *lx, char **ret_text, bool *ret_action)
{
    auto_buf out = {0};
    for (;;) {
        const char *start = lx->text + lx->pos;
        const char *action = strstr(start, "{{");
        size_t len = action ? (size_t)(action - start) : strlen(start);
        bool trim = action && trims_before(action);
        add_text(&out, start, len, lx->trim_next, trim);
        lx->trim_next = false;
        lx->pos += len + (action ? 2 : 0) + (trim ? 2 : 0);
        const char *inside = lx->text + lx->pos;
        if (!action || inside[0] != '/' || inside[1] != '*') {
            *ret_text = buf_take(&out);
            *ret_action = action != NULL;
            return 0;
        }
        int r = skip_comment(lx, lx->pos);
        if (r < 0)
            return r;
    }
}

/* The length of a quoted string or character that starts at `s`, or 0 when it does not end. */
static size_t quoted_length(const char *s)
{
    char quote = *s;
    size_t i = 1;
    while (s[i] && s[i] != quote) {
        if (quote != '`' && s[i] == '\n')
            return 0;
        if (quote != '`' && s[i] == '\\' && s[i + 1])
            i++;
        i++;
    }
    return s[i] ? i + 1 : 0;
}

static size_t word_length(const char *s)
{
    size_t n = 0;
    while (is_word(s[n]))
        n++;
    return n;
}

/* All that may belong to a number; whether it is one, template_number_literal() says. */
static size_t number_length(const char *s)
{
    size_t n = *s == '+' || *s == '-';
    bool hex = s[n] == '0' && (s[n + 1] == 'x' || s[n + 1] == 'X');
    while (is_word(s[n]) || s[n] == '.' ||
           ((s[n] == '+' || s[n] == '-') && n && !hex && (s[n - 1] == 'e' || s[n - 1] == 'E')))
        n++;
    return n;
}

static int quoted_token(struct lexer *lx, struct token *t, enum token_kind kind, const char *what)
{
    size_t n = quoted_length(lx->text + t->start);
    if (!n)
        return template_syntax_error(lx->text, t->start, lx->err, "unterminated %s", what);
    t->kind = kind;
    t->end = t->start + n;
    return 0;
}

static int bad_character(struct lexer *lx, size_t pos)
{
    uint32_t c;
    size_t n = template_decode(lx->text + pos, strlen(lx->text + pos), &c);
    if (c < 0x20 || c == 0x7f || c == 0xfffd)
        return template_syntax_error(lx->text, pos, lx->err, "bad character U+%04X", (unsigned)c);
    return template_syntax_error(lx->text, pos, lx->err, "bad character U+%04X '%.*s'", (unsigned)c,
                                 (int)n, lx->text + pos);
}

/* Tokens of more than one character that no quote starts. */
static int long_token(struct lexer *lx, struct token *t)
{
    const char *s = lx->text + t->start;
    size_t n = 1;
    if (*s == '$') {
        t->kind = TOKEN_VARIABLE;
        n += word_length(s + 1);
    } else if (*s == '.' && isdigit((unsigned char)s[1])) {
        t->kind = TOKEN_NUMBER;
        n = number_length(s);
    } else if (*s == '.' && is_word(s[1])) {
        t->kind = TOKEN_FIELD;
        n += word_length(s + 1);
    } else if (*s == '.') {
        t->kind = TOKEN_DOT;
    } else if (*s == '+' || *s == '-' || isdigit((unsigned char)*s)) {
        t->kind = TOKEN_NUMBER;
        n = number_length(s);
    } else if (is_word(*s)) {
        t->kind = TOKEN_WORD;
        n = word_length(s);
    } else {
        return bad_character(lx, t->start);
    }
    t->end = t->start + n;
    return 0;
}

int template_lex_token(struct lexer *lx, struct token *ret)
{
    struct token t = {.start = lx->pos};
    while (is_space(lx->text[t.start]))
        t.start++;
    t.space_before = t.start > lx->pos;
    const char *s = lx->text + t.start;
    int r = 0;
    t.end = t.start + 1;
    if (t.space_before && strncmp(s, "-}}", 3) == 0) {
        t.kind = TOKEN_END;
        t.end = t.start + 3;
        lx->trim_next = true;
    } else if (s[0] == '}' && s[1] == '}') {
        t.kind = TOKEN_END;
        t.end = t.start + 2;
        lx->trim_next = false;
    } else if (s[0] == ':' && s[1] == '=') {
        t.kind = TOKEN_DECLARE;
        t.end = t.start + 2;
    } else {
        switch (*s) {
        case 0: return template_syntax_error(lx->text, t.start, lx->err, "unclosed action");
        case '|': t.kind = TOKEN_PIPE; break;
        case '(': t.kind = TOKEN_OPEN; break;
        case ')': t.kind = TOKEN_CLOSE; break;
        case ',': t.kind = TOKEN_COMMA; break;
        case '=': t.kind = TOKEN_ASSIGN; break;
        case '"': r = quoted_token(lx, &t, TOKEN_STRING, "quoted string"); break;
        case '`': r = quoted_token(lx, &t, TOKEN_RAW_STRING, "raw quoted string"); break;
        case '\'': r = quoted_token(lx, &t, TOKEN_CHAR, "character constant"); break;
        default: r = long_token(lx, &t);
        }
    }
    if (r < 0)
        return r;
    lx->pos = t.end;
    *ret = t;
    return 0;
}
