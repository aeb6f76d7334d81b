/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: from tokens to a tree. */
#include "base/alloc.h"
#include "cmd/template_internal.h"

#include <stdlib.h>
#include <string.h>

/* One token is read ahead. Functions that make a node return it, or NULL with the error set; nodes
 * belong to the template from the start, so nothing is freed on the way. */
struct parser {
    struct template *t;
    struct lexer lx;
    struct token tok;
    struct strv vars; /* declared and in scope */
    unsigned depth, loops;
    struct err *err;
};

/* How a list of nodes ended. */
enum list_end { END_OF_TEXT, END_OF_BLOCK, END_ELSE, END_ELSE_IF };

static struct node *parse_pipe(struct parser *p, enum token_kind until, const char *context);

static struct node *new_node(struct parser *p, enum node_kind kind, size_t start)
{
    struct node *n = new0(struct node);
    n->kind = kind;
    n->start = n->end = start;
    n->next = p->t->all;
    p->t->all = n;
    return n;
}

static void add_kid(struct node *n, struct node *kid)
{
    grow_array(n->kids, n->n_kids, n->cap_kids);
    n->kids[n->n_kids++] = kid;
}

#define FAIL(p, pos, ...)                                                                          \
    (template_syntax_error((p)->t->text, pos, (p)->err, __VA_ARGS__), (struct node *)NULL)

static int advance(struct parser *p)
{
    return template_lex_token(&p->lx, &p->tok);
}

static const char *token_text(const struct parser *p)
{
    return p->t->text + p->tok.start;
}

static int token_length(const struct parser *p)
{
    return (int)(p->tok.end - p->tok.start);
}

static bool token_is(const struct parser *p, const char *word)
{
    return p->tok.kind == TOKEN_WORD && (int)strlen(word) == token_length(p) &&
           memcmp(token_text(p), word, strlen(word)) == 0;
}

static struct node *unexpected(struct parser *p, const char *context)
{
    return FAIL(p, p->tok.start, "unexpected \"%.*s\" in %s", token_length(p), token_text(p),
                context);
}

static struct node *parse_constant(struct parser *p)
{
    const char *s = token_text(p);
    size_t len = p->tok.end - p->tok.start;
    struct node *n = new_node(p, NODE_LITERAL, p->tok.start);
    switch (p->tok.kind) {
    case TOKEN_CHAR:
        n->literal = template_char_literal(s, len);
        if (!n->literal)
            return FAIL(p, n->start, "malformed character constant: %.*s", (int)len, s);
        return n;
    case TOKEN_NUMBER:
        n->literal = template_number_literal(s, len);
        if (!n->literal)
            return FAIL(p, n->start, "bad number syntax: \"%.*s\"", (int)len, s);
        return n;
    default:
        n->literal = template_string_literal(s, len);
        if (!n->literal)
            return FAIL(p, n->start, "malformed string constant: %.*s", (int)len, s);
        return n;
    }
}

static struct node *parse_word(struct parser *p)
{
    struct node *n = new_node(p, NODE_LITERAL, p->tok.start);
    if (token_is(p, "true") || token_is(p, "false")) {
        n->literal = json_boolean(token_is(p, "true"));
        return n;
    }
    n->kind = NODE_NIL;
    if (token_is(p, "nil"))
        return n;
    n->kind = NODE_FUNCTION;
    n->name = xstrndup(token_text(p), (size_t)token_length(p));
    n->function = template_function_find(n->name);
    if (!n->function)
        return FAIL(p, n->start, "function \"%s\" not defined", n->name);
    return n;
}

static struct node *parse_variable(struct parser *p)
{
    struct node *n = new_node(p, NODE_VARIABLE, p->tok.start);
    n->name = xstrndup(token_text(p) + 1, (size_t)token_length(p) - 1);
    if (!strv_contains(&p->vars, n->name))
        return FAIL(p, n->start, "undefined variable \"$%s\"", n->name);
    return n;
}

static struct node *parse_brackets(struct parser *p)
{
    struct node *n = new_node(p, NODE_CHAIN, p->tok.start);
    if (advance(p) < 0)
        return NULL;
    struct node *pipe = parse_pipe(p, TOKEN_CLOSE, "command");
    if (!pipe)
        return NULL;
    add_kid(n, pipe);
    return n;
}

static bool takes_fields(const struct node *n)
{
    return n->kind == NODE_DOT || n->kind == NODE_VARIABLE || n->kind == NODE_CHAIN;
}

/* The current token alone as an operand, without what hangs on it. */
static struct node *parse_term(struct parser *p)
{
    struct node *n;
    switch (p->tok.kind) {
    case TOKEN_DOT: return new_node(p, NODE_DOT, p->tok.start);
    case TOKEN_FIELD:
        n = new_node(p, NODE_DOT, p->tok.start);
        strv_add_owned(&n->fields, xstrndup(token_text(p) + 1, (size_t)token_length(p) - 1));
        return n;
    case TOKEN_VARIABLE: return parse_variable(p);
    case TOKEN_OPEN: return parse_brackets(p);
    case TOKEN_WORD: return parse_word(p);
    case TOKEN_STRING:
    case TOKEN_RAW_STRING:
    case TOKEN_CHAR:
    case TOKEN_NUMBER: return parse_constant(p);
    default: return unexpected(p, "command");
    }
}

/* An operand with its fields; the token behind it is current afterwards. */
static struct node *parse_operand(struct parser *p)
{
    struct node *n = parse_term(p);
    if (!n)
        return NULL;
    n->end = p->tok.end;
    bool bare_dot = p->tok.kind == TOKEN_DOT;
    if (advance(p) < 0)
        return NULL;
    while (p->tok.kind == TOKEN_FIELD && !p->tok.space_before) {
        if (!takes_fields(n) || bare_dot)
            return FAIL(p, p->tok.start, "unexpected . after term \"%.*s\"",
                        (int)(n->end - n->start), p->t->text + n->start);
        strv_add_owned(&n->fields, xstrndup(token_text(p) + 1, (size_t)token_length(p) - 1));
        n->end = p->tok.end;
        if (advance(p) < 0)
            return NULL;
    }
    return n;
}

static bool ends_command(const struct parser *p)
{
    return p->tok.kind == TOKEN_END || p->tok.kind == TOKEN_CLOSE || p->tok.kind == TOKEN_PIPE;
}

static struct node *parse_command(struct parser *p)
{
    struct node *n = new_node(p, NODE_COMMAND, p->tok.start);
    while (!ends_command(p)) {
        if (n->n_kids && !p->tok.space_before)
            return unexpected(p, "operand");
        struct node *operand = parse_operand(p);
        if (!operand)
            return NULL;
        add_kid(n, operand);
        n->end = operand->end;
    }
    return n;
}

/* What can stand behind a pipe: something that takes an argument, or may at run time. */
static bool executable(const struct node *operand)
{
    return operand->kind == NODE_FUNCTION || operand->kind == NODE_CHAIN ||
           operand->kind == NODE_VARIABLE || (operand->kind == NODE_DOT && operand->fields.len);
}

/* "$a := ", "$a = " and, in range, "$a, $b := ". */
static int parse_declaration(struct parser *p, struct node *pipe, const char *context)
{
    struct lexer saved = p->lx;
    struct token first = p->tok;
    bool range = strcmp(context, "range") == 0;
    auto_strv names = {0};
    while (p->tok.kind == TOKEN_VARIABLE) {
        strv_add_owned(&names, xstrndup(token_text(p) + 1, (size_t)token_length(p) - 1));
        if (advance(p) < 0)
            return -EINVAL;
        if (p->tok.kind == TOKEN_DECLARE || p->tok.kind == TOKEN_ASSIGN)
            break;
        if (p->tok.kind != TOKEN_COMMA)
            goto no_declaration;
        if (!range || names.len == 2)
            return template_syntax_error(p->t->text, p->tok.start, p->err,
                                         "too many declarations in %s", context);
        if (advance(p) < 0)
            return -EINVAL;
        if (p->tok.kind != TOKEN_VARIABLE)
            return unexpected(p, context) ? 0 : -EINVAL;
    }
    if (!names.len)
        return 0;
    pipe->assign = p->tok.kind == TOKEN_ASSIGN;
    for (size_t i = 0; i < names.len; i++)
        if (!names.v[i][0] || (pipe->assign && !strv_contains(&p->vars, names.v[i])))
            return template_syntax_error(
                p->t->text, first.start, p->err,
                names.v[i][0] ? "undefined variable \"$%s\"" : "\"$%s\" cannot be set", names.v[i]);
    strv_extend(&pipe->fields, &names);
    return advance(p);
no_declaration:
    p->lx = saved;
    p->tok = first;
    return 0;
}

static struct node *check_pipe(struct parser *p, struct node *pipe, const char *context)
{
    if (!pipe->n_kids)
        return FAIL(p, pipe->start, "missing value for %s", context);
    for (size_t i = 0; i < pipe->n_kids; i++) {
        const struct node *first = pipe->kids[i]->n_kids ? pipe->kids[i]->kids[0] : NULL;
        if (!first)
            return FAIL(p, pipe->kids[i]->start, "missing value for %s", context);
        if (first->kind == NODE_NIL)
            return FAIL(p, first->start, "nil is not a command");
        if (i > 0 && !executable(first))
            return FAIL(p, first->start, "non executable command in pipeline stage %zu", i + 1);
    }
    return pipe;
}

/* Commands between pipes, up to the token `until`, which is consumed when it is a bracket. */
static struct node *parse_pipe(struct parser *p, enum token_kind until, const char *context)
{
    struct node *pipe = new_node(p, NODE_PIPE, p->tok.start);
    if (++p->depth > TEMPLATE_DEPTH_MAX)
        return FAIL(p, pipe->start, "nested too deeply");
    if (parse_declaration(p, pipe, context) < 0)
        return NULL;
    while (p->tok.kind != until) {
        if (p->tok.kind == TOKEN_END)
            return FAIL(p, pipe->start, "unclosed left paren");
        if (p->tok.kind == TOKEN_CLOSE || (p->tok.kind == TOKEN_PIPE && !pipe->n_kids))
            return unexpected(p, context);
        if (p->tok.kind == TOKEN_PIPE && advance(p) < 0)
            return NULL;
        struct node *command = parse_command(p);
        if (!command)
            return NULL;
        add_kid(pipe, command);
        pipe->end = command->end;
    }
    p->depth--;
    if (!check_pipe(p, pipe, context))
        return NULL;
    /* A variable is in scope only behind the pipe that declares it. */
    if (!pipe->assign)
        strv_extend(&p->vars, &pipe->fields);
    return pipe;
}

static struct node *parse_list(struct parser *p, enum list_end *ret_end);

static struct node *parse_block(struct parser *p, enum node_kind kind, const char *word);

/* What follows "else if": a list that holds the inner if alone; its {{end}} ends both. */
static struct node *parse_else_if(struct parser *p)
{
    struct node *list = new_node(p, NODE_LIST, p->tok.start);
    struct node *inner = parse_block(p, NODE_IF, "if");
    if (!inner)
        return NULL;
    add_kid(list, inner);
    return list;
}

static struct node *parse_otherwise(struct parser *p, enum list_end how)
{
    if (how == END_ELSE_IF)
        return parse_else_if(p);
    enum list_end end;
    struct node *list = parse_list(p, &end);
    if (list && (end == END_ELSE || end == END_ELSE_IF))
        return FAIL(p, p->tok.start, "expected end; found {{else}}");
    if (list && end == END_OF_TEXT)
        return FAIL(p, p->lx.pos, "missing {{end}}");
    return list;
}

/* {{if}}, {{with}} or {{range}}, whose word was just read, up to {{end}}. */
static struct node *parse_block(struct parser *p, enum node_kind kind, const char *word)
{
    struct node *n = new_node(p, kind, p->tok.start);
    size_t scope = p->vars.len;
    if (++p->depth > TEMPLATE_DEPTH_MAX)
        return FAIL(p, n->start, "nested too deeply");
    if (advance(p) < 0)
        return NULL;
    n->pipe = parse_pipe(p, TOKEN_END, word);
    if (!n->pipe)
        return NULL;
    enum list_end end;
    p->loops += kind == NODE_RANGE;
    n->body = parse_list(p, &end);
    if (!n->body)
        return NULL;
    p->loops -= kind == NODE_RANGE;
    if (end == END_OF_TEXT)
        return FAIL(p, p->lx.pos, "missing {{end}}");
    if (end == END_ELSE_IF && kind == NODE_RANGE)
        return unexpected(p, "input");
    /* {{else if}} of an if is an if; of a with (as newer Go has {{else with}}) an error. */
    if (end == END_ELSE_IF && kind == NODE_WITH)
        return unexpected(p, "input");
    if (end != END_OF_BLOCK) {
        n->otherwise = parse_otherwise(p, end);
        if (!n->otherwise)
            return NULL;
    }
    while (p->vars.len > scope)
        strv_remove(&p->vars, p->vars.len - 1);
    p->depth--;
    return n;
}

/* The word of the action was read: the action must end here. */
static int expect_end(struct parser *p, const char *context)
{
    if (advance(p) < 0)
        return -EINVAL;
    if (p->tok.kind != TOKEN_END) {
        unexpected(p, context);
        return -EINVAL;
    }
    return 0;
}

static struct node *parse_jump(struct parser *p, enum node_kind kind)
{
    struct node *n = new_node(p, kind, p->tok.start);
    const char *word = kind == NODE_BREAK ? "break" : "continue";
    if (!p->loops)
        return FAIL(p, n->start, "{{%s}} outside {{range}}", word);
    return expect_end(p, word) < 0 ? NULL : n;
}

/* The action whose first token is current, unless it ends the list: then NULL and *ret_end. */
static struct node *parse_action(struct parser *p, enum list_end *ret_end, bool *ret_ends)
{
    *ret_ends = false;
    if (token_is(p, "if"))
        return parse_block(p, NODE_IF, "if");
    if (token_is(p, "with"))
        return parse_block(p, NODE_WITH, "with");
    if (token_is(p, "range"))
        return parse_block(p, NODE_RANGE, "range");
    if (token_is(p, "break"))
        return parse_jump(p, NODE_BREAK);
    if (token_is(p, "continue"))
        return parse_jump(p, NODE_CONTINUE);
    if (token_is(p, "end")) {
        *ret_ends = expect_end(p, "end") == 0;
        *ret_end = END_OF_BLOCK;
        return NULL;
    }
    if (token_is(p, "else")) {
        if (advance(p) < 0)
            return NULL;
        *ret_end = token_is(p, "if") ? END_ELSE_IF : END_ELSE;
        *ret_ends = *ret_end == END_ELSE_IF || p->tok.kind == TOKEN_END;
        return *ret_ends ? NULL : unexpected(p, "else");
    }
    struct node *n = new_node(p, NODE_ACTION, p->tok.start);
    n->pipe = parse_pipe(p, TOKEN_END, "command");
    return n->pipe ? n : NULL;
}

static struct node *parse_list(struct parser *p, enum list_end *ret_end)
{
    struct node *list = new_node(p, NODE_LIST, p->lx.pos);
    size_t scope = p->vars.len;
    for (;;) {
        struct node *text = new_node(p, NODE_TEXT, p->lx.pos);
        bool action, ends = false;
        if (template_lex_text(&p->lx, &text->name, &action) < 0)
            return NULL;
        if (text->name[0])
            add_kid(list, text);
        if (!action) {
            *ret_end = END_OF_TEXT;
            break;
        }
        if (advance(p) < 0)
            return NULL;
        struct node *n = parse_action(p, ret_end, &ends);
        if (ends)
            break;
        if (!n)
            return NULL;
        add_kid(list, n);
    }
    while (p->vars.len > scope)
        strv_remove(&p->vars, p->vars.len - 1);
    return list;
}

int template_parse(const char *text, struct template **ret, struct err *err)
{
    struct template *t = new0(struct template);
    struct err own = {0};
    t->text = xstrdup(text);
    struct parser p = {.t = t, .err = err ? err : &own};
    p.lx = (struct lexer){.text = t->text, .err = p.err};
    strv_add(&p.vars, ""); /* "$" */
    enum list_end end = END_OF_TEXT;
    t->root = parse_list(&p, &end);
    if (t->root && end != END_OF_TEXT)
        t->root = FAIL(&p, p.tok.start, "unexpected {{%s}}", end == END_OF_BLOCK ? "end" : "else");
    strv_done(&p.vars);
    if (!t->root) {
        template_free(t);
        return -EINVAL;
    }
    *ret = t;
    return 0;
}

void template_free(struct template *t)
{
    if (!t)
        return;
    for (struct node *n = t->all, *next; n; n = next) {
        next = n->next;
        strv_done(&n->fields);
        json_decref(n->literal);
        free(n->kids);
        free(n->name);
        free(n);
    }
    free(t->text);
    free(t);
}
