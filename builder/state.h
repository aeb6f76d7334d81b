/* SPDX-License-Identifier: Apache-2.0 */
/* A build on its way: the stages and what each has become; used inside builder/ only.
 *
 * Theory of operation. build_run() parses, evaluates the ARGs before the first FROM, resolves every
 * FROM to a stage or an image, and marks what the target needs. Then the needed stages are gone
 * through twice with the same code: first dry, with no operation called and empty base images, so
 * that an error of the Dockerfile comes before anything is done; then for real. A dry pass does not
 * know the base image's environment: an error of an instruction that used an unknown variable is
 * left to the real pass. */
#pragma once

#include "base/buf.h"
#include "builder/ast.h"
#include "builder/build.h"

struct stage {
    const struct ast_instr *from;
    const struct ast_instr *instrs; /* those behind FROM */
    size_t n_instrs;
    size_t index;
    char *base;               /* FROM's argument, expanded */
    ssize_t parent;           /* stage that `base` names, or -1 */
    bool scratch;             /* FROM scratch */
    struct platform platform; /* FROM's; os is NULL: not said */
    bool needed;              /* the target's */
    struct build_image image;
    bool has_image;        /* `image` is initialised */
    struct strv args;      /* ARGs that have a value: NAME=value */
    struct strv arg_names; /* all declared ARGs, in order */
    bool cmd_set;          /* CMD was in this very stage */
    unsigned total, done;  /* steps, for "[2/3]" */
};

struct build {
    const struct build_options *o;
    const struct build_ops *ops;
    struct ast_file file;
    struct stage *stages;
    size_t n_stages, target;
    struct strv given;      /* --build-arg: NAME=value */
    struct strv used;       /* names of those that some ARG declared */
    struct strv predefined; /* TARGETPLATFORM... */
    struct strv globals;    /* ARGs before the first FROM that have a value */
    struct strv unset;      /* variables the instruction used and nobody set */
    char created[36];
    bool dry;
    int step;
};

void stage_done(struct stage *s);

/* --- args.c ------------------------------------------------------------------------------- */

/* Fills given, predefined and the time stamp. */
int args_init(struct build *b, struct err *err);
/* An ARG before the first FROM. */
int args_global(struct build *b, const struct ast_instr *in, struct err *err);
/* ARG in a stage, with its history entry. */
int args_declare(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err);
/* What variables mean in a stage now: its ARGs and, winning, its ENV. Appends to *ret. */
void args_scope(const struct stage *s, struct strv *ret);
/* What variables mean before the first FROM and in every FROM. Appends to *ret. */
void args_global_scope(const struct build *b, struct strv *ret);
/* RUN's environment: configuration first, then the ARGs it lacks, then given proxy settings. */
void args_run_env(const struct build *b, const struct stage *s, struct strv *ret);
/* "|2 A=1 B=2 " in front of a RUN's command in the history, or nothing. */
void args_history(const struct stage *s, struct buf *out);
/* Warns of each --build-arg that nothing declared. */
void args_warn_unused(const struct build *b);

/* --- stage.c ------------------------------------------------------------------------------ */

/* Cuts the instructions into stages, resolves FROM and --target, marks what is needed. */
int stage_plan(struct build *b, struct err *err);
/* The stage before stage `before` that --from names: *ret is its index, or -1 when no stage is
 * meant and so an image. A number out of range is an error. */
int stage_find(const struct build *b, const char *name, size_t before, ssize_t *ret,
               struct err *err);
/* The platform of the stage, or NULL when nobody said one. */
const struct platform *stage_platform(const struct build *b, const struct stage *s);
/* The reference of a base image as steps show it: "docker.io/library/centos". The caller frees. */
char *stage_show_base(const char *ref);

/* --- inst_config.c, inst_fs.c ------------------------------------------------------------- */

/* One instruction that changes the configuration only. */
int inst_config(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err);
/* RUN, COPY, ADD, WORKDIR: calls the operations (not in a dry pass). */
int inst_fs(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err);
/* Announces the next step of a stage, "[2/3] title", and returns its number; then its end. */
int inst_step_begin(struct build *b, struct stage *s, const char *title);
void inst_step_end(struct build *b, int step, int r);
static inline bool inst_is_fs(enum instr_kind k)
{
    return k == INSTR_RUN || k == INSTR_COPY || k == INSTR_ADD || k == INSTR_WORKDIR;
}

/* --- history.c ---------------------------------------------------------------------------- */

/* Appends an entry; takes `created_by` over. */
void history_add(struct build *b, struct build_image *image, char *created_by, bool empty_layer);
/* `["a" "b"]`, as CMD and ENTRYPOINT stand in a history. */
void history_quote_list(const struct strv *v, struct buf *out);

/* --- build.c ------------------------------------------------------------------------------ */

/* Expands one word in the scope of a stage. Unset variables go to b->unset. */
int build_expand(struct build *b, const struct strv *scope, const char *s, char **ret,
                 struct err *err);
int build_expand_words(struct build *b, const struct strv *scope, const char *s, struct strv *ret,
                       struct err *err);
/* A heredoc's body: quotes mean nothing in it. */
int build_expand_heredoc(struct build *b, const struct strv *scope, const char *s, char **ret,
                         struct err *err);
/* The shell in front of shell forms: SHELL's or /bin/sh -c. Appends to *ret. */
void build_shell(const struct image_run_config *c, struct strv *ret);
void build_event(const struct build *b, int kind, int step, const char *text);
void build_warn(const struct build *b, unsigned line, const char *rule, const char *text);
