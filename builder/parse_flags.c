/* SPDX-License-Identifier: Apache-2.0 */
/* Which flags an instruction takes and where their values go. */
#include "builder/parse_flags.h"

#include "base/alloc.h"
#include "builder/parse_words.h"

#include <string.h>
#include <strings.h>

enum flag_type {
    FLAG_STRING,
    FLAG_BOOL,        /* not obeyed when true; false is what we do anyway */
    FLAG_NO_UNPACK,   /* bool that is obeyed */
    FLAG_ONE_VALUE,   /* only the value that means "as without the flag" is obeyed */
    FLAG_UNSUPPORTED, /* takes a value, not obeyed */
    FLAG_REPEATED,    /* the same, several times */
};

struct flag {
    enum instr_kind kind;
    enum flag_type type;
    const char *name;
    size_t offset;     /* FLAG_STRING: of the char * in struct ast_instr */
    const char *value; /* FLAG_ONE_VALUE */
};

#define STRING(k, n, f)                                                                            \
    {                                                                                              \
        k, FLAG_STRING, n, offsetof(struct ast_instr, f), NULL                                     \
    }

static const struct flag table[] = {
    STRING(INSTR_FROM, "platform", platform),
    STRING(INSTR_COPY, "from", from),
    STRING(INSTR_COPY, "chown", chown),
    STRING(INSTR_COPY, "chmod", chmod),
    {INSTR_COPY, FLAG_BOOL, "link"},
    {INSTR_COPY, FLAG_BOOL, "parents"},
    {INSTR_COPY, FLAG_REPEATED, "exclude"},
    STRING(INSTR_ADD, "chown", chown),
    STRING(INSTR_ADD, "chmod", chmod),
    {INSTR_ADD, FLAG_BOOL, "link"},
    {INSTR_ADD, FLAG_REPEATED, "exclude"},
    {INSTR_ADD, FLAG_UNSUPPORTED, "checksum"},
    {INSTR_ADD, FLAG_BOOL, "keep-git-dir"},
    {INSTR_ADD, FLAG_NO_UNPACK, "unpack"},
    {INSTR_RUN, FLAG_REPEATED, "mount"},
    {INSTR_RUN, FLAG_ONE_VALUE, "network", 0, "default"},
    {INSTR_RUN, FLAG_ONE_VALUE, "security", 0, "sandbox"},
    STRING(INSTR_HEALTHCHECK, "interval", interval),
    STRING(INSTR_HEALTHCHECK, "timeout", timeout),
    STRING(INSTR_HEALTHCHECK, "start-period", start_period),
    STRING(INSTR_HEALTHCHECK, "start-interval", start_interval),
    STRING(INSTR_HEALTHCHECK, "retries", retries),
};
#define N_FLAGS (sizeof(table) / sizeof(table[0]))

static int unknown_flag(const struct ast_instr *in, const char *name, struct err *err)
{
    const char *names[N_FLAGS];
    size_t n = 0;
    for (size_t i = 0; i < N_FLAGS; i++) {
        if (table[i].kind == in->kind)
            names[n++] = table[i].name;
    }
    const char *near = parse_suggest(name, names, n);
    if (near)
        return err_set(err, -EINVAL, "unknown flag: --%.60s (did you mean --%s?)", name, near);
    return err_set(err, -EINVAL, "unknown flag: --%.60s", name);
}

static int parse_bool(const struct flag *f, const char *value, bool *ret, struct err *err)
{
    if (!value || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
        *ret = true;
    else if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0)
        *ret = false;
    else
        return err_set(err, -EINVAL, "expecting boolean value for flag --%s, not: %.60s", f->name,
                       value);
    return 0;
}

static void unsupported(struct ast_instr *in, char *what)
{
    free(in->unsupported);
    in->unsupported = what;
}

static int store_flag(struct ast_instr *in, const struct flag *f, const char *value,
                      struct err *err)
{
    if (f->type == FLAG_BOOL || f->type == FLAG_NO_UNPACK) {
        bool on = false;
        int r = parse_bool(f, value, &on, err);
        if (r < 0)
            return r;
        if (f->type == FLAG_NO_UNPACK)
            in->no_unpack = !on;
        else if (on)
            unsupported(in, xasprintf("%s --%s", instr_name(in->kind), f->name));
        return 0;
    }
    if (!value)
        return err_set(err, -EINVAL, "missing a value on flag: --%s", f->name);
    if (f->type == FLAG_STRING)
        *(char **)((char *)in + f->offset) = xstrdup(value);
    else if (f->type == FLAG_ONE_VALUE && strcmp(value, f->value) != 0)
        unsupported(in, xasprintf("%s --%s=%.60s", instr_name(in->kind), f->name, value));
    else if (f->type != FLAG_ONE_VALUE)
        unsupported(in, xasprintf("%s --%s", instr_name(in->kind), f->name));
    return 0;
}

int parse_flags(struct ast_instr *in, const struct strv *flags, struct err *err)
{
    unsigned seen = 0;
    for (size_t k = 0; k < flags->len; k++) {
        const char *value = strchr(flags->v[k], '=');
        size_t n = value ? (size_t)(value - flags->v[k]) : strlen(flags->v[k]);
        auto_free char *name = xstrndup(flags->v[k] + 2, n - 2);
        size_t i = 0;
        while (i < N_FLAGS && (table[i].kind != in->kind || strcmp(table[i].name, name) != 0))
            i++;
        if (i == N_FLAGS)
            return unknown_flag(in, name, err);
        if ((seen & (1u << i)) && table[i].type != FLAG_REPEATED)
            return err_set(err, -EINVAL, "duplicate flag specified: --%s", name);
        seen |= 1u << i;
        int r = store_flag(in, &table[i], value ? value + 1 : NULL, err);
        if (r < 0)
            return r;
    }
    return 0;
}
