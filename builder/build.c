/* SPDX-License-Identifier: Apache-2.0 */
/* The build from beginning to end; the order of things is in state.h's theory of operation. */
#include "builder/build.h"

#include "base/alloc.h"
#include "base/json.h"
#include "builder/expand.h"
#include "builder/lexer.h"
#include "builder/parse.h"
#include "builder/state.h"

#include <string.h>

/* What BuildKit gives a Linux image that has no PATH. */
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void build_done(struct build *b)
{
    for (size_t i = 0; i < b->n_stages; i++)
        stage_done(&b->stages[i]);
    free(b->stages);
    ast_file_done(&b->file);
    strv_done(&b->given);
    strv_done(&b->used);
    strv_done(&b->predefined);
    strv_done(&b->globals);
    strv_done(&b->unset);
}
DEFINE_AUTO(build, build_done)

/* --- what the instructions use ------------------------------------------------------------ */

static struct expand expander(struct build *b, const struct strv *scope, int flags)
{
    return (struct expand){
        .escape = b->file.escape,
        .flags = flags | (b->dry ? EXPAND_LENIENT : 0),
        .env = scope,
        .unset = &b->unset,
    };
}

int build_expand(struct build *b, const struct strv *scope, const char *s, char **ret,
                 struct err *err)
{
    struct expand x = expander(b, scope, 0);
    return expand_word(&x, s, ret, err);
}

int build_expand_words(struct build *b, const struct strv *scope, const char *s, struct strv *ret,
                       struct err *err)
{
    struct expand x = expander(b, scope, 0);
    return expand_words(&x, s, ret, err);
}

int build_expand_heredoc(struct build *b, const struct strv *scope, const char *s, char **ret,
                         struct err *err)
{
    struct expand x = expander(b, scope, EXPAND_NO_QUOTES);
    x.escape = '\\';
    return expand_word(&x, s, ret, err);
}

void build_shell(const struct image_run_config *c, struct strv *ret)
{
    const json_t *shell = c->extra ? json_object_get(c->extra, "Shell") : NULL;
    size_t i;
    json_t *v;
    json_array_foreach (shell, i, v) {
        if (json_is_string(v))
            strv_add(ret, json_string_value(v));
    }
    if (json_array_size(shell) > 0)
        return;
    strv_add(ret, "/bin/sh");
    strv_add(ret, "-c");
}

void build_event(const struct build *b, int kind, int step, const char *text)
{
    struct build_event ev = {.kind = kind, .step = step, .text = text, .len = strlen(text)};
    b->ops->event(b->ops->ctx, &ev);
}

void build_warn(const struct build *b, unsigned line, const char *rule, const char *text)
{
    auto_free char *full = xasprintf("%s: %s (%s:%u)", rule, text, b->o->file_name, line);
    build_event(b, BUILD_WARNING, 0, full);
}

/* --- a stage's image ---------------------------------------------------------------------- */

/* Layers without a history would leave ours with fewer entries than there are layers. */
static void complete_history(struct build *b, struct build_image *image)
{
    if (image->config.n_history > 0)
        return;
    for (size_t i = 0; i < image->config.diff_ids.len; i++)
        history_add(b, image, xstrdup("layer of the base image"), false);
}

static void start_stage(struct build *b, struct stage *s)
{
    if (s->has_image)
        image_config_done(&s->image.config);
    strv_clear(&s->args);
    strv_clear(&s->arg_names);
    s->cmd_set = false;
    s->has_image = true;
    if (s->parent < 0) {
        image_config_init(&s->image.config);
        if (stage_platform(b, s))
            platform_put(stage_platform(b, s), &s->image.config);
        return;
    }
    struct stage *p = &b->stages[s->parent];
    image_config_copy(&p->image.config, &s->image.config);
    strv_extend(&s->args, &p->args);
    strv_extend(&s->arg_names, &p->arg_names);
}

static int check_base(const struct build_image *image, struct err *err)
{
    const json_t *on_build =
        image->config.run.extra ? json_object_get(image->config.run.extra, "OnBuild") : NULL;
    if (json_array_size(on_build) > 0)
        return err_set(err, -ENOTSUP,
                       "the base image has ONBUILD instructions, which is not supported yet");
    return 0;
}

/* Gets the base image of a stage; the FROM step. */
static int fetch_base(struct build *b, struct stage *s, struct err *err)
{
    auto_free char *shown = stage_show_base(s->base), *title = xasprintf("FROM %s", shown);
    struct build_image image = {0};
    int step = inst_step_begin(b, s, title);
    int r = b->ops->base(b->ops->ctx, s->base, stage_platform(b, s), &image, err);
    if (r == 0) {
        image_config_done(&s->image.config);
        s->image = image;
        r = check_base(&s->image, err);
    }
    inst_step_end(b, step, r);
    if (r < 0)
        return lexer_error_wrap(err, b->o->file_name, s->from->line, s->from->text);
    complete_history(b, &s->image);
    return 0;
}

static void add_default_path(struct stage *s)
{
    struct strv *env = &s->image.config.run.env;
    if (!strv_env_get(env, "PATH"))
        strv_add(env, DEFAULT_PATH);
}

static void count_steps(struct stage *s)
{
    s->total = s->parent < 0 && !s->scratch;
    for (size_t i = 0; i < s->n_instrs; i++)
        s->total += inst_is_fs(s->instrs[i].kind);
}

/* --- passes ------------------------------------------------------------------------------- */

static void warn_unset(struct build *b, const struct ast_instr *in)
{
    for (size_t i = 0; i < b->unset.len; i++) {
        auto_free char *text = xasprintf("Usage of undefined variable '$%s'", b->unset.v[i]);
        build_warn(b, in->line, "UndefinedVar", text);
    }
}

static int run_instr(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    int r = 0;
    strv_clear(&b->unset);
    if (in->unsupported)
        r = err_set(err, -ENOTSUP, "%s is not supported yet", in->unsupported);
    else if (inst_is_fs(in->kind))
        r = inst_fs(b, s, in, err);
    else
        r = inst_config(b, s, in, err);
    if (r < 0 && b->dry && b->unset.len > 0 && !in->unsupported)
        return 0; /* the base image may set what was missing */
    if (r < 0)
        return lexer_error_wrap(err, b->o->file_name, in->line, in->text);
    if (!b->dry)
        warn_unset(b, in);
    return 0;
}

static int run_stage(struct build *b, struct stage *s, struct err *err)
{
    if (b->dry || s->parent >= 0)
        start_stage(b, s);
    add_default_path(s);
    for (size_t i = 0; i < s->n_instrs; i++) {
        int r = run_instr(b, s, &s->instrs[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Goes through the needed stages once. */
static int pass(struct build *b, bool dry, struct err *err)
{
    b->dry = dry;
    for (size_t i = 0; i < b->n_stages; i++) {
        int r = b->stages[i].needed ? run_stage(b, &b->stages[i], err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Gets all base images before the first step, so that a missing one costs no work. */
static int fetch_bases(struct build *b, struct err *err)
{
    for (size_t i = 0; i < b->n_stages; i++) {
        struct stage *s = &b->stages[i];
        if (!s->needed)
            continue;
        start_stage(b, s);
        count_steps(s);
        int r = s->parent < 0 && !s->scratch ? fetch_base(b, s, err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_labels(const struct build *b, struct err *err)
{
    for (size_t i = 0; b->o->labels && i < b->o->labels->len; i++) {
        const char *label = b->o->labels->v[i];
        if (!*label || *label == '=')
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid label format: \"%.80s\"", label);
    }
    return 0;
}

/* --label: in the configuration, not in the history. */
static void add_labels(const struct build *b, struct image_config *c)
{
    for (size_t i = 0; b->o->labels && i < b->o->labels->len; i++) {
        const char *label = b->o->labels->v[i], *eq = strchr(label, '=');
        auto_free char *name = eq ? xstrndup(label, eq - label) : xstrdup(label);
        json_put_string(c->run.labels, name, eq ? eq + 1 : "");
    }
}

static void emit_warnings(struct build *b)
{
    for (size_t i = 0; i < b->file.n_warnings; i++) {
        const struct ast_warning *w = &b->file.warnings[i];
        build_warn(b, w->line, w->rule, w->text);
    }
}

static int prepare(struct build *b, struct err *err)
{
    const struct build_options *o = b->o;
    int r = parse_dockerfile(o->file_name, o->text, o->text_len, &b->file, err);
    if (r < 0)
        return r;
    emit_warnings(b);
    r = check_labels(b, err);
    if (r == 0)
        r = args_init(b, err);
    if (r == 0)
        r = stage_plan(b, err);
    return r < 0 ? r : pass(b, true, err);
}

int build_run(const struct build_options *o, const struct build_ops *ops, char **ret_id,
              struct err *err)
{
    struct err local = {0}; /* messages are wrapped, so there must be one */
    auto_done(build) struct build b = {.o = o, .ops = ops};
    struct image_config *c = NULL;
    int r = prepare(&b, &local);
    if (r == 0)
        r = fetch_bases(&b, &local);
    if (r == 0)
        r = pass(&b, false, &local);
    if (r == 0) {
        args_warn_unused(&b);
        c = &b.stages[b.target].image.config;
        add_labels(&b, c);
        free(c->created);
        c->created = xstrdup(b.created);
        r = ops->finish(ops->ctx, &b.stages[b.target].image, o->names, ret_id, &local);
    }
    if (r < 0 && err)
        *err = local;
    return r;
}
