/* SPDX-License-Identifier: Apache-2.0 */
/* ARG, --build-arg and the predefined arguments. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "builder/state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Given without a declaration they reach RUN, but neither history nor configuration. */
static const char *const proxies[] = {
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY",
    "ftp_proxy",  "NO_PROXY",   "no_proxy",    "ALL_PROXY",   "all_proxy",
};
#define N_PROXIES (sizeof(proxies) / sizeof(proxies[0]))

static void set(struct strv *v, const char *name, const char *value)
{
    auto_free char *assignment = xasprintf("%s=%s", name, value);
    strv_env_set(v, assignment);
}

static void set_platform(struct strv *v, const char *prefix, const struct image_config *c)
{
    const char *variant = c->variant ? c->variant : "";
    strv_addf(v, "%sPLATFORM=%s/%s%s%s", prefix, c->os ? c->os : "linux", c->architecture,
              *variant ? "/" : "", variant);
    strv_addf(v, "%sOS=%s", prefix, c->os ? c->os : "linux");
    strv_addf(v, "%sARCH=%s", prefix, c->architecture);
    strv_addf(v, "%sVARIANT=%s", prefix, variant);
}

/* Creation times: SOURCE_DATE_EPOCH as build argument or from the environment, else now. */
static int set_created(struct build *b, struct err *err)
{
    const char *epoch = strv_env_get(&b->given, "SOURCE_DATE_EPOCH");
    if (!epoch)
        epoch = getenv("SOURCE_DATE_EPOCH");
    struct timespec t = time_now();
    if (epoch && *epoch) {
        char *end;
        errno = 0;
        long long v = strtoll(epoch, &end, 10);
        if (errno || *end || v < 0 || v > 253402300799) /* the end of year 9999 */
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid SOURCE_DATE_EPOCH: %.60s", epoch);
        t = (struct timespec){.tv_sec = v};
        set(&b->predefined, "SOURCE_DATE_EPOCH", epoch);
    }
    time_format(t, b->created);
    return 0;
}

int args_init(struct build *b, struct err *err)
{
    for (size_t i = 0; b->o->args && i < b->o->args->len; i++) {
        const char *arg = b->o->args->v[i], *value;
        if (strchr(arg, '='))
            strv_env_set(&b->given, arg);
        else if ((value = getenv(arg))) /* as docker: NAME alone hands on the caller's variable */
            set(&b->given, arg, value);
    }
    auto_done(image_config) struct image_config native, target;
    image_config_init(&native);
    image_config_init(&target);
    if (b->o->platform)
        platform_put(b->o->platform, &target);
    set_platform(&b->predefined, "TARGET", &target);
    set_platform(&b->predefined, "BUILD", &native);
    set(&b->predefined, "TARGETSTAGE", b->o->target && *b->o->target ? b->o->target : "default");
    return set_created(b, err);
}

/* The value given on the command line, noting that somebody wanted it. */
static const char *given(struct build *b, const char *name)
{
    const char *value = strv_env_get(&b->given, name);
    if (value && !strv_contains(&b->used, name))
        strv_add(&b->used, name);
    return value;
}

int args_global(struct build *b, const struct ast_instr *in, struct err *err)
{
    for (size_t i = 0; i < in->n_pairs; i++) {
        const struct ast_pair *p = &in->pairs[i];
        auto_strv scope = {0};
        auto_free char *name = NULL, *value = NULL;
        args_global_scope(b, &scope);
        int r = build_expand(b, &scope, p->name, &name, err);
        const char *v = r < 0 ? NULL : given(b, name);
        if (r == 0 && !v && p->value) {
            r = build_expand(b, &scope, p->value, &value, err);
            v = value;
        }
        if (r < 0)
            return r;
        v = v ? v : strv_env_get(&b->predefined, name);
        if (v)
            set(&b->globals, name, v);
    }
    return 0;
}

/* In a scope the first entry of a name counts, so what wins comes first. */
void args_scope(const struct stage *s, struct strv *ret)
{
    strv_extend(ret, &s->image.config.run.env);
    strv_extend(ret, &s->args);
}

void args_global_scope(const struct build *b, struct strv *ret)
{
    strv_extend(ret, &b->globals);
    strv_extend(ret, &b->predefined);
}

/* One NAME[=default]; later ones of the same line see it. */
static int declare(struct build *b, struct stage *s, const struct ast_pair *p, struct buf *history,
                   struct err *err)
{
    auto_strv scope = {0};
    auto_free char *name = NULL, *value = NULL;
    args_scope(s, &scope);
    int r = build_expand(b, &scope, p->name, &name, err);
    if (r < 0)
        return r;
    const char *v = given(b, name);
    buf_printf(history, " %s", name);
    if (!v && p->value) {
        r = build_expand(b, &scope, p->value, &value, err);
        if (r < 0)
            return r;
        v = value;
    }
    if (v)
        buf_printf(history, "=%s", v);
    /* What comes from the global scope is not in the instruction, so not in its history entry. */
    if (!v)
        v = strv_env_get(&b->globals, name);
    if (!v)
        v = strv_env_get(&b->predefined, name);
    if (v)
        set(&s->args, name, v);
    if (!strv_contains(&s->arg_names, name))
        strv_add(&s->arg_names, name);
    return 0;
}

int args_declare(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    auto_buf history = {0};
    buf_add_str(&history, "ARG");
    for (size_t i = 0; i < in->n_pairs; i++) {
        int r = declare(b, s, &in->pairs[i], &history, err);
        if (r < 0)
            return r;
    }
    history_add(b, &s->image, buf_take(&history), true);
    return 0;
}

void args_run_env(const struct build *b, const struct stage *s, struct strv *ret)
{
    const struct strv *env = &s->image.config.run.env;
    strv_extend(ret, env);
    for (size_t i = 0; i < s->args.len; i++) {
        auto_free char *name = xstrndup(s->args.v[i], strcspn(s->args.v[i], "="));
        if (!strv_env_get(env, name))
            strv_add(ret, s->args.v[i]);
    }
    for (size_t i = 0; i < N_PROXIES; i++) {
        const char *value = strv_env_get(&b->given, proxies[i]);
        if (value && !strv_env_get(ret, proxies[i]))
            set(ret, proxies[i], value);
    }
}

void args_history(const struct stage *s, struct buf *out)
{
    if (s->arg_names.len == 0)
        return;
    buf_printf(out, "|%zu ", s->arg_names.len);
    for (size_t i = 0; i < s->arg_names.len; i++) {
        const char *name = s->arg_names.v[i];
        const char *value = strv_env_get(&s->image.config.run.env, name);
        if (!value)
            value = strv_env_get(&s->args, name);
        buf_printf(out, "%s=%s ", name, value ? value : "");
    }
}

void args_warn_unused(const struct build *b)
{
    for (size_t i = 0; i < b->given.len; i++) {
        auto_free char *name = xstrndup(b->given.v[i], strcspn(b->given.v[i], "="));
        bool known = strv_contains(&b->used, name) || strv_env_get(&b->predefined, name);
        for (size_t k = 0; k < N_PROXIES && !known; k++)
            known = strcmp(proxies[k], name) == 0;
        if (known)
            continue;
        auto_free char *text =
            xasprintf("build argument %s was given and no ARG declares it", name);
        build_event(b, BUILD_WARNING, 0, text);
    }
}
