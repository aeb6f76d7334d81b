/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a Dockerfile: what each is based on, and which the target needs. */
#include "base/alloc.h"
#include "builder/lexer.h"
#include "builder/state.h"
#include "spec/reference.h"

#include <string.h>
#include <strings.h>

void stage_done(struct stage *s)
{
    platform_done(&s->platform);
    free(s->base);
    if (s->has_image)
        image_config_done(&s->image.config);
    strv_done(&s->args);
    strv_done(&s->arg_names);
}

/* The last stage before `before` of that name, or -1. */
static ssize_t find_by_name(const struct build *b, const char *name, size_t before)
{
    for (size_t i = before; i-- > 0;) {
        const char *have = b->stages[i].from->stage_name;
        if (have && strcasecmp(have, name) == 0)
            return i;
    }
    return -1;
}

static bool all_digits(const char *s)
{
    return *s && strspn(s, "0123456789") == strlen(s);
}

/* A stage's number below `limit`, or -1. */
static ssize_t find_by_number(const char *s, size_t limit)
{
    if (!all_digits(s) || strlen(s) > 9)
        return -1;
    unsigned long n = strtoul(s, NULL, 10);
    return n < limit ? (ssize_t)n : -1;
}

int stage_find(const struct build *b, const char *name, size_t before, ssize_t *ret,
               struct err *err)
{
    ssize_t i = find_by_name(b, name, before);
    if (i < 0 && all_digits(name)) {
        i = find_by_number(name, before);
        if (i < 0)
            return err_set(err, -EINVAL,
                           "invalid --from=%.60s: there is no earlier stage of that number", name);
    }
    *ret = i;
    return 0;
}

char *stage_show_base(const char *ref)
{
    struct image_ref parsed = {0};
    if (image_ref_parse(ref, &parsed, NULL) < 0)
        return xstrdup(ref);
    auto_free char *repository = image_ref_repository(&parsed);
    bool tag = parsed.tag && strcmp(parsed.tag, "latest") != 0;
    char *shown = xasprintf("%s%s%s%s%s", repository, tag ? ":" : "", tag ? parsed.tag : "",
                            parsed.digest ? "@" : "", parsed.digest ? parsed.digest : "");
    image_ref_done(&parsed);
    return shown;
}

const struct platform *stage_platform(const struct build *b, const struct stage *s)
{
    return s->platform.os ? &s->platform : b->o->platform;
}

/* FROM's --platform. */
static int choose_platform(struct build *b, struct stage *s, struct err *err)
{
    auto_strv scope = {0};
    auto_free char *text = NULL;
    if (!s->from->platform)
        return 0;
    args_global_scope(b, &scope);
    int r = build_expand(b, &scope, s->from->platform, &text, err);
    if (r < 0 || !*text)
        return r;
    if (platform_parse(text, &s->platform, NULL) < 0)
        return err_set(err, -EINVAL, "FROM --platform=%.60s: must be OS/ARCHITECTURE[/VARIANT]",
                       text);
    return 0;
}

/* What FROM says, in the scope of the global ARGs. */
static int resolve_from(struct build *b, struct stage *s, struct err *err)
{
    auto_strv scope = {0};
    args_global_scope(b, &scope);
    strv_clear(&b->unset);
    const char *written = s->from->words.v[0];
    int r = build_expand(b, &scope, written, &s->base, err);
    if (r < 0)
        return r;
    if (b->unset.len > 0) {
        auto_free char *text = xasprintf("FROM argument '%s' is not declared", b->unset.v[0]);
        build_warn(b, s->from->line, "UndefinedArgInFrom", text);
    }
    if (!*s->base)
        return err_set(err, -EINVAL, "base name (%.80s) should not be blank", written);
    s->scratch = strcmp(s->base, "scratch") == 0;
    s->parent = s->scratch ? -1 : find_by_name(b, s->base, s->index);
    if (s->scratch || s->parent >= 0)
        return 0;
    struct image_ref ref = {0};
    r = image_ref_parse(s->base, &ref, err);
    if (r == 0)
        image_ref_done(&ref);
    return r;
}

static void add_stage(struct build *b, const struct ast_instr *from)
{
    const char *name = from->stage_name;
    if (name && find_by_name(b, name, b->n_stages) >= 0) {
        auto_free char *text =
            xasprintf("Duplicate stage name '%s', stage names should be unique", name);
        build_warn(b, from->line, "DuplicateStageName", text);
    }
    b->stages = xrealloc(b->stages, b->n_stages + 1, sizeof(*b->stages));
    b->stages[b->n_stages] = (struct stage){
        .from = from,
        .instrs = from + 1,
        .index = b->n_stages,
        .parent = -1,
    };
    b->n_stages++;
}

static int located(const struct build *b, const struct ast_instr *in, struct err *err, int r)
{
    return r < 0 ? lexer_error_wrap(err, b->o->file_name, in->line, in->text) : 0;
}

static int cut_stages(struct build *b, struct err *err)
{
    for (size_t i = 0; i < b->file.n_instrs; i++) {
        const struct ast_instr *in = &b->file.instrs[i];
        int r = 0;
        if (in->kind == INSTR_FROM) {
            add_stage(b, in);
            r = resolve_from(b, &b->stages[b->n_stages - 1], err);
        } else if (b->n_stages == 0) {
            r = args_global(b, in, err);
        } else {
            b->stages[b->n_stages - 1].n_instrs++;
        }
        if (r < 0)
            return located(b, in, err, r);
    }
    return 0;
}

static int find_target(struct build *b, struct err *err)
{
    const char *target = b->o->target;
    b->target = b->n_stages - 1;
    if (!target || !*target)
        return 0;
    ssize_t i = find_by_name(b, target, b->n_stages);
    if (i < 0)
        i = find_by_number(target, b->n_stages);
    if (i < 0)
        return err_set(err, -EINVAL, "%.100s: target stage \"%.80s\" could not be found",
                       b->o->file_name, target);
    b->target = i;
    return 0;
}

/* Marks backwards from the target: whatever a needed stage names stands before it. */
static int mark_needed(struct build *b, struct err *err)
{
    b->stages[b->target].needed = true;
    for (size_t i = b->target + 1; i-- > 0;) {
        struct stage *s = &b->stages[i];
        if (!s->needed)
            continue;
        int r = choose_platform(b, s, err); /* matters only for what gets built */
        if (r < 0)
            return located(b, s->from, err, r);
        if (s->parent >= 0)
            b->stages[s->parent].needed = true;
        for (size_t k = 0; k < s->n_instrs; k++) {
            const struct ast_instr *in = &s->instrs[k];
            ssize_t from = -1;
            r = in->from ? stage_find(b, in->from, i, &from, err) : 0;
            if (r < 0)
                return located(b, in, err, r);
            if (from >= 0)
                b->stages[from].needed = true;
        }
    }
    return 0;
}

int stage_plan(struct build *b, struct err *err)
{
    int r = cut_stages(b, err);
    if (r == 0)
        r = find_target(b, err);
    return r < 0 ? r : mark_needed(b, err);
}
