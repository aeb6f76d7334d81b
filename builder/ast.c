/* SPDX-License-Identifier: Apache-2.0 */
/* Names and destructors of the parsed Dockerfile. */
#include "builder/ast.h"

#include "base/alloc.h"

static const char *const names[INSTR_COUNT] = {
    [INSTR_ADD] = "ADD",
    [INSTR_ARG] = "ARG",
    [INSTR_CMD] = "CMD",
    [INSTR_COPY] = "COPY",
    [INSTR_ENTRYPOINT] = "ENTRYPOINT",
    [INSTR_ENV] = "ENV",
    [INSTR_EXPOSE] = "EXPOSE",
    [INSTR_FROM] = "FROM",
    [INSTR_HEALTHCHECK] = "HEALTHCHECK",
    [INSTR_LABEL] = "LABEL",
    [INSTR_MAINTAINER] = "MAINTAINER",
    [INSTR_ONBUILD] = "ONBUILD",
    [INSTR_RUN] = "RUN",
    [INSTR_SHELL] = "SHELL",
    [INSTR_STOPSIGNAL] = "STOPSIGNAL",
    [INSTR_USER] = "USER",
    [INSTR_VOLUME] = "VOLUME",
    [INSTR_WORKDIR] = "WORKDIR",
};

const char *instr_name(enum instr_kind kind)
{
    return names[kind];
}

void ast_heredocs_free(struct ast_heredoc *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(v[i].name);
        free(v[i].data);
    }
    free(v);
}

static void instr_done(struct ast_instr *in)
{
    free(in->text);
    strv_done(&in->words);
    for (size_t i = 0; i < in->n_pairs; i++) {
        free(in->pairs[i].name);
        free(in->pairs[i].value);
    }
    free(in->pairs);
    ast_heredocs_free(in->heredocs, in->n_heredocs);
    free(in->from);
    free(in->chown);
    free(in->interval);
    free(in->timeout);
    free(in->start_period);
    free(in->start_interval);
    free(in->retries);
    free(in->chmod);
    free(in->platform);
    free(in->stage_name);
    free(in->unsupported);
}

void ast_file_done(struct ast_file *f)
{
    for (size_t i = 0; i < f->n_instrs; i++)
        instr_done(&f->instrs[i]);
    free(f->instrs);
    for (size_t i = 0; i < f->n_warnings; i++)
        free(f->warnings[i].text);
    free(f->warnings);
    *f = (struct ast_file){0};
}

void ast_warn(struct ast_file *f, unsigned line, const char *rule, char *text)
{
    grow_array(f->warnings, f->n_warnings, f->cap_warnings);
    f->warnings[f->n_warnings++] = (struct ast_warning){line, rule, text};
}
