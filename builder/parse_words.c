/* SPDX-License-Identifier: Apache-2.0 */
/* Words, flags and pairs in the arguments of an instruction. */
#include "builder/parse_words.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "builder/lexer.h"

#include <ctype.h>
#include <string.h>

void parse_split_space(const char *s, struct strv *ret)
{
    while (*s) {
        while (lexer_is_space(*s))
            s++;
        const char *start = s;
        while (*s && !lexer_is_space(*s))
            s++;
        if (s > start)
            strv_add_owned(ret, xstrndup(start, s - start));
    }
}

/* The end of the word that begins at `s`: the first white space outside quotes. */
static const char *word_end(const char *s, char escape)
{
    char quote = 0;
    for (; *s && (quote || !lexer_is_space(*s)); s++) {
        if (*s == escape && quote != '\'' && s[1])
            s++;
        else if (quote && *s == quote)
            quote = 0;
        else if (!quote && (*s == '"' || *s == '\''))
            quote = *s;
    }
    return s;
}

void parse_split_quoted(const char *s, char escape, struct strv *ret)
{
    while (*s) {
        while (lexer_is_space(*s))
            s++;
        const char *end = word_end(s, escape);
        if (end > s)
            strv_add_owned(ret, xstrndup(s, end - s));
        s = end;
    }
}

static char *unquote(const char *s, size_t n, char escape)
{
    auto_buf out = {0};
    char quote = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == escape && quote != '\'' && i + 1 < n)
            buf_add_char(&out, s[++i]);
        else if (quote && s[i] == quote)
            quote = 0;
        else if (!quote && (s[i] == '"' || s[i] == '\''))
            quote = s[i];
        else
            buf_add_char(&out, s[i]);
    }
    return buf_take(&out);
}

void parse_take_flags(const char **s, char escape, struct strv *ret)
{
    for (;;) {
        while (lexer_is_space(**s))
            (*s)++;
        if (strncmp(*s, "--", 2) != 0)
            return;
        const char *end = word_end(*s, escape);
        auto_free char *flag = unquote(*s, end - *s, escape);
        *s = end;
        if (strcmp(flag, "--") == 0) {
            while (lexer_is_space(**s))
                (*s)++;
            return;
        }
        strv_add(ret, flag);
    }
}

static void add_pair(struct ast_instr *in, char *name, char *value)
{
    in->pairs = xrealloc(in->pairs, in->n_pairs + 1, sizeof(*in->pairs));
    in->pairs[in->n_pairs++] = (struct ast_pair){name, value};
}

int parse_pairs(struct ast_instr *in, const char *s, char escape, bool *ret_legacy, struct err *err)
{
    const char *kind = instr_name(in->kind);
    auto_strv words = {0};
    parse_split_quoted(s, escape, &words);
    if (words.len == 0)
        return err_set(err, -EINVAL, "%s requires at least one argument", kind);
    if (!strchr(words.v[0], '=')) {
        size_t n = strcspn(s, " \t\v\f\r\n");
        const char *value = s + n;
        while (lexer_is_space(*value))
            value++;
        if (!*value)
            return err_set(err, -EINVAL, "%s must have two arguments", kind);
        add_pair(in, xstrndup(s, n), xstrdup(value));
        *ret_legacy = true;
        return 0;
    }
    strv_foreach (&words, word) {
        const char *eq = strchr(word, '=');
        if (!eq)
            return err_set(err, -EINVAL,
                           "cannot find = in \"%.80s\": must be of the form name=value", word);
        if (eq == word)
            return err_set(err, -EINVAL, "%s names can not be blank", kind);
        add_pair(in, xstrndup(word, eq - word), xstrdup(eq + 1));
    }
    return 0;
}

int parse_arg_pairs(struct ast_instr *in, const char *s, char escape, struct err *err)
{
    auto_strv words = {0};
    parse_split_quoted(s, escape, &words);
    if (words.len == 0)
        return err_set(err, -EINVAL, "ARG requires at least one argument");
    strv_foreach (&words, word) {
        const char *eq = strchr(word, '=');
        if (eq == word)
            return err_set(err, -EINVAL, "ARG names can not be blank");
        add_pair(in, eq ? xstrndup(word, eq - word) : xstrdup(word), eq ? xstrdup(eq + 1) : NULL);
    }
    return 0;
}

#define SUGGEST_LEN 24 /* longer words are no slip of a known one */

/* Edits (insert, delete, change) that make `a` into `b`, without regard to case. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[SUGGEST_LEN + 1];
    size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            unsigned above = row[j];
            unsigned same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            unsigned best = diagonal + !same;
            best = above + 1 < best ? above + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
        }
    }
    return row[n];
}

const char *parse_suggest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    unsigned limit = 3;
    if (strlen(word) > SUGGEST_LEN)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned d = distance(word, names[i]);
        if (strlen(names[i]) <= SUGGEST_LEN && d < limit && d < strlen(names[i])) {
            limit = d;
            best = names[i];
        }
    }
    return best;
}
