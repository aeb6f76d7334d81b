/* SPDX-License-Identifier: Apache-2.0 */
/* A Dockerfile as parsed: instructions in order, nothing expanded, nothing judged by meaning. */
#pragma once

#include "base/cleanup.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>

enum instr_kind {
    INSTR_ADD,
    INSTR_ARG,
    INSTR_CMD,
    INSTR_COPY,
    INSTR_ENTRYPOINT,
    INSTR_ENV,
    INSTR_EXPOSE,
    INSTR_FROM,
    INSTR_HEALTHCHECK,
    INSTR_LABEL,
    INSTR_MAINTAINER,
    INSTR_ONBUILD,
    INSTR_RUN,
    INSTR_SHELL,
    INSTR_STOPSIGNAL,
    INSTR_USER,
    INSTR_VOLUME,
    INSTR_WORKDIR,
    INSTR_COUNT,
};

/* NAME=value of ENV, LABEL and ARG, quotes still in place. */
struct ast_pair {
    char *name;
    char *value; /* NULL: an ARG without default */
};

struct ast_heredoc {
    char *name; /* the delimiter without quotes */
    char *data; /* leading tabs already gone when written <<- */
    bool expand;
    bool strip_tabs;
};

struct ast_instr {
    enum instr_kind kind;
    unsigned line, line_end; /* physical lines, from 1 */
    char *text;              /* the logical line; the instruction's word in capitals */
    bool json;               /* words come from a JSON array */
    struct strv words;       /* arguments; a shell form is one word */
    struct ast_pair *pairs;
    size_t n_pairs;
    struct ast_heredoc *heredocs;
    size_t n_heredocs;
    char *from, *chown, *chmod, *platform; /* flags, NULL when absent */
    char *interval, *timeout, *start_period, *start_interval, *retries; /* of HEALTHCHECK */
    bool no_unpack;                                                     /* ADD --unpack=false */
    char *stage_name;  /* FROM x AS name, in lower case */
    char *unsupported; /* what is valid here and not built yet: "RUN --mount" */
};

/* What a person should know and what does not stop the build; rule names are BuildKit's. */
struct ast_warning {
    unsigned line;
    const char *rule; /* constant */
    char *text;
};

struct ast_file {
    char escape; /* '\\' or '`' */
    struct ast_instr *instrs;
    size_t n_instrs, cap_instrs;
    struct ast_warning *warnings;
    size_t n_warnings, cap_warnings;
};

void ast_file_done(struct ast_file *f);
/* Takes `text` over. */
void ast_warn(struct ast_file *f, unsigned line, const char *rule, char *text);
void ast_heredocs_free(struct ast_heredoc *v, size_t n);

/* "ADD", "ARG"... */
const char *instr_name(enum instr_kind kind);

DEFINE_AUTO(ast_file, ast_file_done)
