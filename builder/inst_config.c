/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that change the configuration and make no layer. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/when.h"
#include "builder/state.h"
#include "spec/health.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_RT_SIGNAL 64

static void replace(char **field, const char *value)
{
    free(*field);
    *field = xstrdup(value);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds to a vector that is sorted and has nothing twice, and keeps it so. */
static void merge_sorted(struct strv *v, const struct strv *more)
{
    strv_extend(v, more);
    auto_strv all = *v;
    *v = (struct strv){0};
    if (all.len > 0)
        qsort(all.v, all.len, sizeof(*all.v), by_text);
    for (size_t i = 0; i < all.len; i++) {
        if (i == 0 || strcmp(all.v[i], all.v[i - 1]) != 0)
            strv_add(v, all.v[i]);
    }
}

/* ENV and LABEL: all values are those of before the instruction. */
static int set_pairs(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    auto_strv scope = {0}, names = {0}, values = {0};
    auto_buf history = {0};
    struct image_run_config *c = &s->image.config.run;
    args_scope(s, &scope);
    buf_add_str(&history, instr_name(in->kind));
    for (size_t i = 0; i < in->n_pairs; i++) {
        char *name = NULL, *value = NULL;
        int r = build_expand(b, &scope, in->pairs[i].name, &name, err);
        if (r < 0)
            return r;
        strv_add_owned(&names, name);
        r = build_expand(b, &scope, in->pairs[i].value, &value, err);
        if (r < 0)
            return r;
        strv_add_owned(&values, value);
        if (!*name)
            return err_set(err, -EINVAL, "%s names can not be blank", instr_name(in->kind));
        buf_printf(&history, " %s=%s", name, value);
    }
    for (size_t i = 0; i < names.len; i++) {
        if (in->kind == INSTR_LABEL) {
            json_put_string(c->labels, names.v[i], values.v[i]);
            continue;
        }
        auto_free char *assignment = xasprintf("%s=%s", names.v[i], values.v[i]);
        strv_env_set(&c->env, assignment);
    }
    history_add(b, &s->image, buf_take(&history), true);
    return 0;
}

/* CMD and ENTRYPOINT: a shell form gets the shell in front; nothing is expanded. */
static void set_command(struct build *b, struct stage *s, const struct ast_instr *in)
{
    struct image_run_config *c = &s->image.config.run;
    bool entrypoint = in->kind == INSTR_ENTRYPOINT;
    struct strv *v = entrypoint ? &c->entrypoint : &c->cmd;
    auto_buf history = {0};
    strv_clear(v);
    if (!in->json)
        build_shell(c, v);
    strv_extend(v, &in->words);
    buf_printf(&history, "%s ", instr_name(in->kind));
    history_quote_list(v, &history);
    if (entrypoint) {
        c->has_entrypoint = true;
        if (!s->cmd_set) { /* an inherited CMD was meant for another program */
            strv_clear(&c->cmd);
            c->has_cmd = false;
        }
    } else {
        c->has_cmd = true;
        s->cmd_set = true;
    }
    history_add(b, &s->image, buf_take(&history), true);
}

static int parse_port(const char *s, size_t n, unsigned *ret)
{
    unsigned v = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]) || (v = v * 10 + (s[i] - '0')) > 65535)
            return -EINVAL;
    }
    *ret = v;
    return n > 0 ? 0 : -EINVAL;
}

/* "80", "80/udp", "8000-8010/tcp"; of "[ip:]host:container" only the container's part counts. */
static int add_ports(const char *word, struct strv *ret, struct err *err)
{
    const char *slash = strchr(word, '/'), *proto = slash ? slash + 1 : "tcp";
    size_t n = slash ? (size_t)(slash - word) : strlen(word);
    const char *start = memrchr(word, ':', n);
    start = start ? start + 1 : word;
    n -= start - word;
    const char *dash = memchr(start, '-', n);
    size_t first_n = dash ? (size_t)(dash - start) : n;
    unsigned first, last;
    if (strcasecmp(proto, "tcp") != 0 && strcasecmp(proto, "udp") != 0 &&
        strcasecmp(proto, "sctp") != 0)
        return err_set(err, -EINVAL, "invalid proto: %.60s", proto);
    if (parse_port(start, first_n, &first) < 0 ||
        parse_port(dash ? dash + 1 : start, dash ? n - first_n - 1 : n, &last) < 0 || last < first)
        return err_set(err, -EINVAL, "invalid containerPort: %.60s", word);
    for (unsigned p = first; p <= last; p++) {
        auto_free char *port = xasprintf("%u/%s", p, proto);
        for (char *c = port; *c; c++)
            *c = tolower((unsigned char)*c);
        strv_add_owned(ret, take_ptr(port));
    }
    return 0;
}

static int expose(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    auto_strv scope = {0}, words = {0}, ports = {0};
    args_scope(s, &scope);
    for (size_t i = 0; i < in->words.len; i++) {
        int r = build_expand_words(b, &scope, in->words.v[i], &words, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < words.len; i++) {
        int r = add_ports(words.v[i], &ports, err);
        if (r < 0)
            return r;
    }
    merge_sorted(&s->image.config.run.ports, &ports);
    auto_free char *list = strv_join(&ports, " ");
    history_add(b, &s->image, xasprintf("EXPOSE [%s]", list), true);
    return 0;
}

static int volume(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    auto_strv scope = {0}, paths = {0};
    args_scope(s, &scope);
    for (size_t i = 0; i < in->words.len; i++) {
        char *path = NULL;
        int r = build_expand(b, &scope, in->words.v[i], &path, err);
        if (r < 0)
            return r;
        strv_add_owned(&paths, path);
        if (!path[strspn(path, " \t")])
            return err_set(err, -EINVAL, "VOLUME specified can not be an empty string");
    }
    merge_sorted(&s->image.config.run.volumes, &paths);
    auto_free char *list = strv_join(&paths, " ");
    history_add(b, &s->image, xasprintf("VOLUME [%s]", list), true);
    return 0;
}

/* A number from 1 to 64, or a name of signal(7) with or without SIG. */
static bool signal_valid(const char *s)
{
    static const char *const names[] = {
        "HUP",  "INT",  "QUIT", "ILL",    "TRAP",  "ABRT", "IOT",  "BUS",   "FPE",
        "KILL", "USR1", "SEGV", "USR2",   "PIPE",  "ALRM", "TERM", "CHLD",  "CLD",
        "CONT", "STOP", "TSTP", "TTIN",   "TTOU",  "URG",  "XCPU", "XFSZ",  "VTALRM",
        "PROF", "POLL", "IO",   "STKFLT", "WINCH", "PWR",  "SYS",  "RTMIN", "RTMAX",
    };
    unsigned n;
    if (isdigit((unsigned char)*s))
        return parse_port(s, strlen(s), &n) == 0 && n >= 1 && n <= MAX_RT_SIGNAL;
    if (strncasecmp(s, "SIG", 3) == 0)
        s += 3;
    if (strncasecmp(s, "RTMIN+", 6) == 0)
        return parse_port(s + 6, strlen(s + 6), &n) == 0 && n <= 15;
    if (strncasecmp(s, "RTMAX-", 6) == 0)
        return parse_port(s + 6, strlen(s + 6), &n) == 0 && n <= 14;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(names[i], s) == 0)
            return true;
    }
    return false;
}

/* USER and STOPSIGNAL. */
static int set_text(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    auto_strv scope = {0};
    auto_free char *value = NULL;
    struct image_run_config *c = &s->image.config.run;
    args_scope(s, &scope);
    int r = build_expand(b, &scope, in->words.v[0], &value, err);
    if (r < 0)
        return r;
    if (in->kind == INSTR_STOPSIGNAL && !signal_valid(value))
        return err_set(err, -EINVAL, "invalid signal: %.60s", value);
    replace(in->kind == INSTR_USER ? &c->user : &c->stop_signal, value);
    history_add(b, &s->image, xasprintf("%s %s", instr_name(in->kind), value), true);
    return 0;
}

static void set_shell(struct build *b, struct stage *s, const struct ast_instr *in)
{
    struct image_run_config *c = &s->image.config.run;
    if (!c->extra)
        c->extra = json_object();
    json_put(c->extra, "Shell", json_from_strv(&in->words));
    auto_free char *list = strv_join(&in->words, " ");
    history_add(b, &s->image, xasprintf("SHELL [%s]", list), true);
}

static int set_duration(const char *flag, const char *text, int64_t *ret, struct err *err)
{
    int64_t n = 0;
    if (text && duration_parse(text, &n) < 0)
        return err_set(err, -EINVAL, "invalid duration \"%.60s\" for --%s", text, flag);
    if (n > 0 && n < 1000000)
        return err_set(err, -EINVAL, "--%s cannot be less than 1ms", flag);
    *ret = n;
    return 0;
}

static int set_retries(const char *text, int64_t *ret, struct err *err)
{
    size_t n = text ? strspn(text, "0123456789") : 0;
    if (text && (n == 0 || n > 9 || text[n]))
        return err_set(err, -EINVAL, "invalid number \"%.60s\" for --retries", text);
    *ret = text ? strtoll(text, NULL, 10) : 0;
    return 0;
}

static int set_healthcheck(struct build *b, struct stage *s, const struct ast_instr *in,
                           struct err *err)
{
    struct image_run_config *c = &s->image.config.run;
    struct health_check h = {.test = in->words}; /* borrowed */
    int r = set_duration("interval", in->interval, &h.interval, err);
    if (r == 0)
        r = set_duration("timeout", in->timeout, &h.timeout, err);
    if (r == 0)
        r = set_duration("start-period", in->start_period, &h.start_period, err);
    if (r == 0)
        r = set_duration("start-interval", in->start_interval, &h.start_interval, err);
    if (r == 0)
        r = set_retries(in->retries, &h.retries, err);
    if (r < 0)
        return r;
    if (!c->extra)
        c->extra = json_object();
    json_put(c->extra, "Healthcheck", health_check_json(&h));
    history_add(b, &s->image, xstrdup(in->text), true);
    return 0;
}

int inst_config(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    switch (in->kind) {
    case INSTR_ARG: return args_declare(b, s, in, err);
    case INSTR_ENV:
    case INSTR_LABEL: return set_pairs(b, s, in, err);
    case INSTR_CMD:
    case INSTR_ENTRYPOINT: set_command(b, s, in); return 0;
    case INSTR_EXPOSE: return expose(b, s, in, err);
    case INSTR_VOLUME: return volume(b, s, in, err);
    case INSTR_USER:
    case INSTR_STOPSIGNAL: return set_text(b, s, in, err);
    case INSTR_SHELL: set_shell(b, s, in); return 0;
    case INSTR_HEALTHCHECK: return set_healthcheck(b, s, in, err);
    case INSTR_MAINTAINER:
        replace(&s->image.config.author, in->words.v[0]);
        history_add(b, &s->image, xasprintf("MAINTAINER %s", in->words.v[0]), true);
        return 0;
    default: return err_set(err, -ENOTSUP, "%s is not supported yet", instr_name(in->kind));
    }
}
