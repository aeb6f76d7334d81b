/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of a Dockerfile to logical lines: directives, comments, continuations, heredocs.
 */
#pragma once

#include "base/err.h"
#include "builder/ast.h"

#include <stdbool.h>
#include <stddef.h>

/* Longest physical line; BuildKit's limit. */
#define LEXER_LINE_MAX 65535

struct lexer_line {
    char *text; /* continuations joined, trimmed, never empty */
    unsigned line, line_end;
    struct ast_heredoc *heredocs;
    size_t n_heredocs;
};

struct lexer_file {
    char escape;
    struct lexer_line *lines;
    size_t n_lines, cap_lines;
};

/* Errors begin with "FILE:LINE: ". Warnings go to `warn`. */
int lexer_read(const char *file_name, const char *text, size_t len, struct ast_file *warn,
               struct lexer_file *ret, struct err *err);
void lexer_file_done(struct lexer_file *f);

/* A word that announces a heredoc ("<<EOF", "3<<-'x'"): fills name and flags of *ret and returns
 * true. The name is allocated. */
bool lexer_heredoc_word(const char *word, struct ast_heredoc *ret);

/* "FILE:LINE: message" and below it the line itself. Control characters are shown as '?'. */
int lexer_error(struct err *err, const char *file_name, unsigned line, const char *text,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same around a message that *err already has; keeps its code and kind. */
int lexer_error_wrap(struct err *err, const char *file_name, unsigned line, const char *text);

/* Space as the Dockerfile language knows it. */
static inline bool lexer_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

DEFINE_AUTO(lexer_file, lexer_file_done)
