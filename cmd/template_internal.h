/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the template engine share. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "cmd/template.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEMPLATE_DEPTH_MAX  100
#define TEMPLATE_STRING_MAX ((size_t)16 << 20)
#define TEMPLATE_OUTPUT_MAX ((size_t)64 << 20)
#define TEMPLATE_STEPS_MAX  20000000
#define TEMPLATE_ARRAY_MAX  1000000

enum token_kind {
    TOKEN_END, /* of the action: "}}" */
    TOKEN_PIPE,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_DECLARE, /* := */
    TOKEN_ASSIGN,  /* = */
    TOKEN_DOT,
    TOKEN_FIELD,    /* .Name */
    TOKEN_VARIABLE, /* $ or $name */
    TOKEN_WORD,     /* keyword, function, true, false, nil */
    TOKEN_STRING,
    TOKEN_RAW_STRING,
    TOKEN_CHAR,
    TOKEN_NUMBER,
};

struct token {
    enum token_kind kind;
    size_t start, end;
    bool space_before;
};

struct lexer {
    const char *text;
    size_t pos;
    bool trim_next; /* the action that just ended had "-}}" */
    struct err *err;
};

/* Reads the text up to the next action into *ret_text (unescaped, trimmed). *ret_action tells
 * whether an action follows, of which "{{" and a trim marker are then read. Comments are skipped.
 */
int template_lex_text(struct lexer *lx, char **ret_text, bool *ret_action);
int template_lex_token(struct lexer *lx, struct token *ret);
/* ERR_USAGE with the place of byte `pos` in front. */
int template_syntax_error(const char *text, size_t pos, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "line:column" of byte `pos`. */
void template_place(const char *text, size_t pos, char out[static 48]);

/* Constants: the value of a token's text. NULL when it is malformed. */
json_t *template_string_literal(const char *s, size_t len);
json_t *template_char_literal(const char *s, size_t len);
json_t *template_number_literal(const char *s, size_t len);

enum node_kind {
    NODE_LIST, /* kids */
    NODE_TEXT, /* name: the text */
    NODE_ACTION,
    NODE_IF,
    NODE_WITH,
    NODE_RANGE, /* pipe, body, otherwise (may be NULL) */
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_PIPE,     /* kids: commands; fields: variables that it declares or assigns */
    NODE_COMMAND,  /* kids: operands */
    NODE_DOT,      /* fields behind it */
    NODE_VARIABLE, /* name without $, fields */
    NODE_CHAIN,    /* kids[0]: pipe in brackets; fields */
    NODE_FUNCTION,
    NODE_LITERAL,
    NODE_NIL,
};

struct template_function;

struct node {
    enum node_kind kind;
    size_t start, end; /* in the template's text */
    struct node *next; /* all nodes of a template, for freeing */
    struct node **kids;
    size_t n_kids, cap_kids;
    struct node *pipe, *body, *otherwise;
    struct strv fields;
    char *name;
    bool assign;
    json_t *literal;
    const struct template_function *function;
};

struct template
{
    char *text;
    struct node *all;
    struct node *root;
};

/* A value in a running template; the reference is owned. */
struct value {
    json_t *j; /* NULL: a key that a map lacks */
    bool map;  /* an object or null that is a map and no struct */
};

struct variable {
    const char *name;
    struct value value;
};

struct run {
    const struct template *t;
    bool headings;
    uint64_t steps;
    unsigned depth;
    struct variable *vars;
    size_t n_vars, cap_vars;
    enum { JUMP_NONE, JUMP_BREAK, JUMP_CONTINUE } jump;
    struct buf *out;
    size_t out_start;
    struct err *err;
};

struct template_function {
    const char *name;
    size_t min, max;
    /* Takes no ownership of the arguments. NULL for `and` and `or`, which template_run.c evaluates,
     * as they leave arguments out. */
    int (*call)(struct run *r, const struct template_function *self, const struct value *args,
                size_t n, struct value *ret);
};

const struct template_function *template_function_find(const char *name);

/* An error of a running template, without its place: the caller adds that. */
int template_failed(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A new string value; refused when it is too long. */
int template_new_string(struct run *r, const char *s, size_t len, struct value *ret);
bool template_truth(const struct value *v);
const char *template_type_name(const json_t *j);

/* As Go's %v. */
void template_format_value(struct buf *out, const json_t *j);
void template_format_real(struct buf *out, double d);
/* As Go's %q. */
void template_format_quoted(struct buf *out, const char *s, size_t len);
/* The function printf. */
int template_printf(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret);

/* Decodes one UTF-8 character of at most `len` bytes: its size, and 1 with U+FFFD for a bad byte.
 */
size_t template_decode(const char *s, size_t len, uint32_t *ret);
void template_encode(struct buf *out, uint32_t c);
/* An object's keys in order; the vector belongs to the caller, the strings to the object. */
const char **template_sorted_keys(const json_t *obj, size_t *ret_n);
