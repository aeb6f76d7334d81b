/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions from logical lines: the word in front, the flags, the form of the arguments. */
#include "builder/parse.h"

#include "base/alloc.h"
#include "base/json.h"
#include "builder/lexer.h"
#include "builder/parse_flags.h"
#include "builder/parse_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum form {
    FORM_TEXT,  /* one word: all of it */
    FORM_SHELL, /* JSON array, or one word */
    FORM_LIST,  /* JSON array, or split at white space */
    FORM_SPACE, /* split at white space */
    FORM_PAIRS,
    FORM_ARG,
};

static const enum form forms[INSTR_COUNT] = {
    [INSTR_ADD] = FORM_LIST,     [INSTR_ARG] = FORM_ARG,          [INSTR_CMD] = FORM_SHELL,
    [INSTR_COPY] = FORM_LIST,    [INSTR_ENTRYPOINT] = FORM_SHELL, [INSTR_ENV] = FORM_PAIRS,
    [INSTR_EXPOSE] = FORM_SPACE, [INSTR_FROM] = FORM_SPACE,       [INSTR_HEALTHCHECK] = FORM_TEXT,
    [INSTR_LABEL] = FORM_PAIRS,  [INSTR_MAINTAINER] = FORM_TEXT,  [INSTR_ONBUILD] = FORM_TEXT,
    [INSTR_RUN] = FORM_SHELL,    [INSTR_SHELL] = FORM_SHELL,      [INSTR_STOPSIGNAL] = FORM_TEXT,
    [INSTR_USER] = FORM_TEXT,    [INSTR_VOLUME] = FORM_LIST,      [INSTR_WORKDIR] = FORM_TEXT,
};

struct parser {
    const char *file_name;
    struct ast_file *file;
};

bool parse_json_form(const char *s, struct strv *ret)
{
    while (lexer_is_space(*s))
        s++;
    auto_json json_t *array = NULL;
    if (*s != '[' || json_parse(s, strlen(s), &array, NULL) < 0 || !json_is_array(array))
        return false;
    size_t i;
    json_t *v;
    json_array_foreach (array, i, v) {
        if (!json_is_string(v))
            return false;
    }
    json_array_foreach (array, i, v)
        strv_add(ret, json_string_value(v));
    return true;
}

/* `^[a-z][a-z0-9-_.]*$`; any case is taken, a stage's name has none. */
static int stage_name(struct ast_instr *in, const char *word, struct parser *p, struct err *err)
{
    bool upper = false;
    auto_free char *name = xstrdup(word);
    for (char *c = name; *c; c++) {
        upper |= isupper((unsigned char)*c) != 0;
        *c = tolower((unsigned char)*c);
        if (!islower((unsigned char)*c) &&
            (c == name || (!isdigit((unsigned char)*c) && *c != '-' && *c != '_' && *c != '.')))
            return err_set(err, -EINVAL,
                           "invalid name for build stage: \"%.80s\": it begins with a letter; "
                           "letters, digits, '-', '_' and '.' follow",
                           word);
    }
    if (upper)
        ast_warn(p->file, in->line, "StageNameCasing",
                 xasprintf("Stage name '%s' should be lowercase", word));
    if (strcmp(name, "scratch") == 0 || strcmp(name, "context") == 0)
        ast_warn(p->file, in->line, "ReservedStageName",
                 xasprintf("Stage name should not use the same name as reserved stage '%s'", name));
    in->stage_name = take_ptr(name);
    return 0;
}

static int check_from(struct ast_instr *in, struct parser *p, struct err *err)
{
    if (in->words.len != 1 && (in->words.len != 3 || strcasecmp(in->words.v[1], "AS") != 0))
        return err_set(err, -EINVAL, "FROM requires either one or three arguments");
    return in->words.len == 3 ? stage_name(in, in->words.v[2], p, err) : 0;
}

/* Takes the words that announce heredocs out of a COPY's sources. */
static int check_copy(struct ast_instr *in, struct err *err)
{
    const char *kind = instr_name(in->kind);
    if (in->words.len == 0)
        return err_set(err, -EINVAL, "%s requires at least two arguments", kind);
    if (in->words.len == 1)
        return err_set(err, -EINVAL,
                       "%s requires at least two arguments, but only one was provided: "
                       "the destination is missing",
                       kind);
    for (size_t i = 0; !in->json && i < in->words.len;) {
        struct ast_heredoc h = {0};
        bool is = lexer_heredoc_word(in->words.v[i], &h);
        free(h.name);
        if (is && i + 1 == in->words.len)
            return err_set(err, -EINVAL, "%s cannot accept a heredoc as a destination", kind);
        if (is)
            strv_remove(&in->words, i);
        else
            i++;
    }
    if (in->from && strchr(in->from, '$'))
        return err_set(err, -EINVAL,
                       "variables do not work in --from: use a stage, FROM image AS name, with an "
                       "ARG in front of the first FROM");
    if (in->from && !*in->from) { /* as if it were not there: the context */
        free(in->from);
        in->from = NULL;
    }
    if (in->from && in->n_heredocs > 0)
        return err_set(err, -EINVAL, "%s --from and a heredoc cannot be used together", kind);
    return 0;
}

/* NONE, or CMD with a JSON array or text for the shell, into the words of a Healthcheck. */
static int check_healthcheck(struct ast_instr *in, struct err *err)
{
    auto_free char *text = in->words.len ? xstrdup(in->words.v[0]) : xstrdup("");
    const char *rest = text + strcspn(text, " \t");
    size_t n = (size_t)(rest - text);
    bool none = n == 4 && strncasecmp(text, "NONE", n) == 0;
    rest += strspn(rest, " \t");
    if (n == 0)
        return err_set(err, -EINVAL, "HEALTHCHECK requires at least one argument");
    if (!none && !(n == 3 && strncasecmp(text, "CMD", n) == 0))
        return err_set(err, -EINVAL, "unknown type \"%.*s\" in HEALTHCHECK (try CMD)",
                       (int)(n < 60 ? n : 60), text);
    if (none && *rest)
        return err_set(err, -EINVAL, "HEALTHCHECK NONE takes no arguments");
    strv_clear(&in->words);
    strv_add(&in->words, none ? "NONE" : "CMD");
    if (none)
        return 0;
    in->json = parse_json_form(rest, &in->words);
    if (!in->json) {
        strv_clear(&in->words);
        strv_add(&in->words, "CMD-SHELL");
        strv_add(&in->words, rest);
    }
    if (in->words.len < 2 || !*in->words.v[1])
        return err_set(err, -EINVAL, "missing command after HEALTHCHECK CMD");
    return 0;
}

static bool find_instruction(const char *word, size_t n, enum instr_kind *ret)
{
    for (size_t i = 0; i < INSTR_COUNT; i++) {
        const char *name = instr_name(i);
        if (strlen(name) == n && strncasecmp(name, word, n) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static int unknown_instruction(const char *word, size_t n, struct err *err)
{
    const char *names[INSTR_COUNT];
    for (size_t i = 0; i < INSTR_COUNT; i++)
        names[i] = instr_name(i);
    auto_free char *shown = xstrndup(word, n < 60 ? n : 60);
    const char *near = parse_suggest(shown, names, INSTR_COUNT);
    if (near)
        return err_set(err, -EINVAL, "unknown instruction: %s (did you mean %s?)", shown, near);
    return err_set(err, -EINVAL, "unknown instruction: %s", shown);
}

/* Read as far as needed to tell a slip from what is to come. */
static int check_onbuild(struct ast_instr *in, struct err *err)
{
    const char *text = in->words.len ? in->words.v[0] : "";
    size_t n = strcspn(text, " \t\v\f\r");
    enum instr_kind kind;
    if (n == 0)
        return err_set(err, -EINVAL, "ONBUILD requires at least one argument");
    if (!find_instruction(text, n, &kind))
        return unknown_instruction(text, n, err);
    if (kind == INSTR_ONBUILD)
        return err_set(err, -EINVAL, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (kind == INSTR_FROM || kind == INSTR_MAINTAINER)
        return err_set(err, -EINVAL, "%s isn't allowed as an ONBUILD trigger", instr_name(kind));
    in->unsupported = xstrdup("ONBUILD");
    return 0;
}

static int check_words(struct ast_instr *in, struct parser *p, struct err *err)
{
    const char *kind = instr_name(in->kind);
    switch (in->kind) {
    case INSTR_FROM: return check_from(in, p, err);
    case INSTR_ADD:
    case INSTR_COPY: return check_copy(in, err);
    case INSTR_HEALTHCHECK: return check_healthcheck(in, err);
    case INSTR_ONBUILD: return check_onbuild(in, err);
    case INSTR_SHELL:
        if (!in->json || in->words.len == 0)
            return err_set(err, -EINVAL, "SHELL requires the arguments to be in JSON form");
        return 0;
    case INSTR_CMD:
    case INSTR_ENTRYPOINT:
        if (in->words.len == 0 && !in->json)
            return err_set(err, -EINVAL, "%s requires at least one argument", kind);
        if (!in->json)
            ast_warn(p->file, in->line, "JSONArgsRecommended",
                     xasprintf("JSON arguments recommended for %s to prevent unintended "
                               "behavior related to OS signals",
                               kind));
        return 0;
    case INSTR_VOLUME:
    case INSTR_EXPOSE:
    case INSTR_RUN:
        if (in->words.len == 0)
            return err_set(err, -EINVAL, "%s requires at least one argument", kind);
        return 0;
    case INSTR_MAINTAINER:
        ast_warn(p->file, in->line, "MaintainerDeprecated",
                 xstrdup("Maintainer instruction is deprecated in favor of using label"));
        break;
    default: break;
    }
    if (forms[in->kind] == FORM_TEXT && in->words.len != 1)
        return err_set(err, -EINVAL, "%s requires exactly one argument", kind);
    return 0;
}

static int parse_args(struct ast_instr *in, const char *rest, struct parser *p, struct err *err)
{
    char escape = p->file->escape;
    bool legacy = false;
    int r = 0;
    switch (forms[in->kind]) {
    case FORM_SHELL:
    case FORM_LIST:
        in->json = parse_json_form(rest, &in->words);
        if (in->json)
            break;
        if (forms[in->kind] == FORM_LIST) {
            parse_split_space(rest, &in->words);
            break;
        }
        __attribute__((fallthrough));
    case FORM_TEXT:
        if (*rest)
            strv_add(&in->words, rest);
        break;
    case FORM_SPACE: parse_split_space(rest, &in->words); break;
    case FORM_ARG: r = parse_arg_pairs(in, rest, escape, err); break;
    case FORM_PAIRS:
        r = parse_pairs(in, rest, escape, &legacy, err);
        if (legacy)
            ast_warn(p->file, in->line, "LegacyKeyValueFormat",
                     xasprintf("\"%s key=value\" should be used instead of legacy "
                               "\"%s key value\" format",
                               instr_name(in->kind), instr_name(in->kind)));
        break;
    }
    return r < 0 ? r : check_words(in, p, err);
}

static int parse_line(struct lexer_line *line, struct ast_instr *in, struct parser *p,
                      struct err *err)
{
    size_t n = strcspn(line->text, " \t\v\f\r");
    if (!find_instruction(line->text, n, &in->kind))
        return unknown_instruction(line->text, n, err);
    const char *rest = line->text + n;
    while (lexer_is_space(*rest))
        rest++;
    in->line = line->line;
    in->line_end = line->line_end;
    in->text = xasprintf("%s%s%s", instr_name(in->kind), *rest ? " " : "", rest);
    in->heredocs = take_ptr(line->heredocs);
    in->n_heredocs = line->n_heredocs;
    line->n_heredocs = 0;
    auto_strv flags = {0};
    parse_take_flags(&rest, p->file->escape, &flags);
    int r = parse_flags(in, &flags, err);
    return r < 0 ? r : parse_args(in, rest, p, err);
}

/* Only ARG may stand before the first FROM. */
static int check_order(const struct ast_instr *in, bool *in_stage, struct err *err)
{
    if (in->kind == INSTR_FROM)
        *in_stage = true;
    else if (!*in_stage && in->kind != INSTR_ARG)
        return err_set(err, -EINVAL, "no build stage in current context: %s stands before FROM",
                       instr_name(in->kind));
    return 0;
}

static int parse_lines(struct parser *p, struct lexer_file *lines, struct err *err)
{
    struct ast_file *f = p->file;
    bool in_stage = false;
    f->escape = lines->escape;
    for (size_t i = 0; i < lines->n_lines; i++) {
        grow_array(f->instrs, f->n_instrs, f->cap_instrs);
        struct ast_instr *in = &f->instrs[f->n_instrs++];
        *in = (struct ast_instr){0};
        struct err local = {0};
        int r = parse_line(&lines->lines[i], in, p, &local);
        if (r == 0)
            r = check_order(in, &in_stage, &local);
        if (r < 0) {
            if (err)
                *err = local;
            return lexer_error_wrap(err, p->file_name, lines->lines[i].line, lines->lines[i].text);
        }
    }
    if (!in_stage)
        return err_set(err, -EINVAL, "%.100s: there is no FROM, so nothing to build", p->file_name);
    return 0;
}

int parse_dockerfile(const char *file_name, const char *text, size_t len, struct ast_file *ret,
                     struct err *err)
{
    auto_done(ast_file) struct ast_file f = {0};
    auto_done(lexer_file) struct lexer_file lines = {0};
    int r = lexer_read(file_name, text, len, &f, &lines, err);
    if (r < 0)
        return r;
    struct parser p = {file_name, &f};
    r = parse_lines(&p, &lines, err);
    if (r < 0)
        return r;
    *ret = f;
    f = (struct ast_file){0};
    return 0;
}
