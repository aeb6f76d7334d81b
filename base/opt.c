/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: parsing. */
#include "base/opt.h"

#include "base/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The command line on its way through opt_parse(). */
struct walk {
    const struct opt *table;
    int argc;
    char *const *argv;
    int next; /* index of the first word that is not read yet */
    void *values;
    struct opt_result *res;
    struct err *err;
};

static void *value_at(const struct opt *row, void *values)
{
    return (char *)values + row->offset;
}

static const struct opt *find_long(const struct opt *table, const char *name, size_t len)
{
    for (const struct opt *o = table; o && o->type != OPT_END; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
    for (const struct opt *o = table; o && o->type != OPT_END; o++)
        if (o->letter && o->letter == letter)
            return o;
    return NULL;
}

static int invalid(struct walk *w, const struct opt *row, const char *text, const char *why)
{
    char letter[] = {'-', row->letter, ',', ' ', 0};
    return err_kind(w->err, ERR_USAGE, -EINVAL, "invalid argument \"%s\" for \"%s--%s\" flag: %s",
                    text, row->letter ? letter : "", row->name, why);
}

/* Go's strconv.ParseBool, which podman's scripts lean on. */
static int parse_bool(const char *s, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
        if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
            *ret = strcmp(s, yes[i]) == 0;
            return 0;
        }
    }
    return -EINVAL;
}

static const char *parse_int(const struct opt *row, const char *s, int64_t *ret)
{
    const char *digits = *s == '-' || *s == '+' ? s + 1 : s;
    if (!isdigit((unsigned char)*digits))
        return "invalid syntax";
    char *end;
    errno = 0;
    long long n = strtoll(s, &end, 0);
    if (*end)
        return "invalid syntax";
    if (errno == ERANGE)
        return "value out of range";
    if ((row->min || row->max) && (n < row->min || n > row->max))
        return "value out of range";
    *ret = n;
    return NULL;
}

/* True when `s` is one of the words in "a|b|c". */
static bool is_choice(const char *choices, const char *s)
{
    size_t len = strlen(s);
    for (const char *p = choices; p && *p;) {
        const char *end = strchrnul(p, '|');
        if ((size_t)(end - p) == len && memcmp(p, s, len) == 0)
            return true;
        p = *end ? end + 1 : end;
    }
    return false;
}

static int not_a_choice(struct walk *w, const struct opt *row, const char *text)
{
    auto_buf why = {0};
    buf_add_str(&why, "choose from ");
    for (const char *p = row->choices; p && *p; p++) {
        if (*p == '|')
            buf_add_str(&why, ", ");
        else
            buf_add_char(&why, *p);
    }
    return invalid(w, row, text, buf_str(&why));
}

static void replace_string(char **at, const char *text)
{
    free(*at);
    *at = xstrdup(text);
}

/* Puts the text of a flag's value where the row says. */
static int store(struct walk *w, const struct opt *row, const char *text)
{
    void *at = value_at(row, w->values);
    const char *why = NULL;
    switch (row->type) {
    case OPT_BOOL:
        if (parse_bool(text, at) < 0)
            return invalid(w, row, text, "invalid syntax");
        break;
    case OPT_INT:
        why = parse_int(row, text, at);
        if (why)
            return invalid(w, row, text, why);
        break;
    case OPT_CHOICE:
        if (!is_choice(row->choices, text))
            return not_a_choice(w, row, text);
        replace_string(at, text);
        break;
    case OPT_STRING: replace_string(at, text); break;
    case OPT_LIST: strv_add(at, text); break;
    case OPT_CSV: strv_split(at, text, ','); break;
    case OPT_END: break;
    }
    size_t i = (size_t)(row - w->table);
    if (i < OPT_ROWS_MAX)
        w->res->given[i / 64] |= UINT64_C(1) << (i % 64);
    return 0;
}

/* What a flag without a value means; NULL when it needs one. */
static const char *implied_value(const struct opt *row)
{
    return row->type == OPT_BOOL ? "true" : row->implied;
}

static int parse_help_value(struct walk *w, const char *text)
{
    static const struct opt help = {.type = OPT_BOOL, .name = "help"};
    if (parse_bool(text, &w->res->help) < 0)
        return invalid(w, &help, text, "invalid syntax");
    return 0;
}

/* "--name", "--name=value", "--name value". */
static int parse_long(struct walk *w, const char *word)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    if (len == 0 || *name == '-')
        return err_kind(w->err, ERR_USAGE, -EINVAL, "bad flag syntax: %s", word);
    const char *value = name[len] ? name + len + 1 : NULL;
    const struct opt *row = find_long(w->table, name, len);
    if (!row && len == 4 && memcmp(name, "help", 4) == 0)
        return parse_help_value(w, value ? value : "true");
    if (!row) {
        auto_free char *only = xstrndup(name, len);
        return err_kind(w->err, ERR_USAGE, -EINVAL, "unknown flag: --%s", only);
    }
    if (!value)
        value = implied_value(row);
    if (!value && w->next < w->argc)
        value = w->argv[w->next++];
    if (!value)
        return err_kind(w->err, ERR_USAGE, -EINVAL, "flag needs an argument: --%s", row->name);
    return store(w, row, value);
}

/* "-a", "-abc", "-p80", "-p=80", "-p 80": the letters up to one that takes the rest as value. */
static int parse_letters(struct walk *w, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        const struct opt *row = find_letter(w->table, *p);
        if (!row && *p == 'h') {
            w->res->help = true;
            continue;
        }
        if (!row)
            return err_kind(w->err, ERR_USAGE, -EINVAL, "unknown shorthand flag: '%c' in -%s", *p,
                            p);
        const char *implied = implied_value(row);
        if (p[1] == '=' && p[2])
            return store(w, row, p + 2);
        if (!implied && p[1])
            return store(w, row, p + 1);
        if (!implied && w->next >= w->argc)
            return err_kind(w->err, ERR_USAGE, -EINVAL, "flag needs an argument: '%c' in -%s", *p,
                            p);
        int r = store(w, row, implied ? implied : w->argv[w->next++]);
        if (r < 0)
            return r;
    }
    return 0;
}

static void take_rest(struct walk *w)
{
    while (w->next < w->argc)
        strv_add(&w->res->args, w->argv[w->next++]);
}

int opt_parse(const struct opt *table, bool stop_at_argument, int argc, char *const *argv,
              void *values, struct opt_result *ret, struct err *err)
{
    struct walk w = {
        .table = table, .argc = argc, .argv = argv, .values = values, .res = ret, .err = err};
    *ret = (struct opt_result){0};
    while (w.next < argc) {
        const char *word = argv[w.next];
        int r = 0;
        if (word[0] != '-' || !word[1]) {
            if (stop_at_argument)
                break;
            strv_add(&ret->args, word);
            w.next++;
            continue;
        }
        w.next++;
        if (word[1] != '-')
            r = parse_letters(&w, word);
        else if (word[2])
            r = parse_long(&w, word);
        else
            break;
        if (r < 0)
            return r;
    }
    take_rest(&w);
    return 0;
}

bool opt_given(const struct opt *table, const struct opt_result *res, const char *name)
{
    const struct opt *wanted = find_long(table, name, strlen(name));
    for (size_t i = 0; wanted && i < OPT_ROWS_MAX && table[i].type != OPT_END; i++)
        if (table[i].offset == wanted->offset && res->given[i / 64] & (UINT64_C(1) << (i % 64)))
            return true;
    return false;
}

void opt_values_done(const struct opt *table, void *values)
{
    for (const struct opt *o = table; o && o->type != OPT_END; o++) {
        char **string = value_at(o, values);
        switch (o->type) {
        case OPT_STRING:
        case OPT_CHOICE:
            free(*string);
            *string = NULL;
            break;
        case OPT_LIST:
        case OPT_CSV: strv_done(value_at(o, values)); break;
        default: break;
        }
    }
}

void opt_result_done(struct opt_result *res)
{
    strv_done(&res->args);
}

/* What --help writes behind a flag's name. */
static const char *value_name(const struct opt *row)
{
    if (row->value)
        return row->value;
    switch (row->type) {
    case OPT_INT: return "int";
    case OPT_CHOICE: return "choice";
    case OPT_LIST: return "stringArray";
    case OPT_CSV: return "strings";
    default: return "string";
    }
}

static void help_left(const struct opt *row, struct buf *out)
{
    if (row->letter)
        buf_printf(out, "  -%c, --%s", row->letter, row->name);
    else
        buf_printf(out, "      --%s", row->name);
    if (row->type != OPT_BOOL)
        buf_printf(out, " %s", value_name(row));
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct opt *const *)a)->name, (*(const struct opt *const *)b)->name);
}

void opt_help(const struct opt *table, struct buf *out)
{
    const struct opt *rows[OPT_ROWS_MAX];
    size_t n = 0, width = 0;
    auto_buf left = {0};
    for (const struct opt *o = table; o && o->type != OPT_END && n < OPT_ROWS_MAX; o++) {
        if (o->hidden)
            continue;
        rows[n++] = o;
        buf_truncate(&left, 0);
        help_left(o, &left);
        width = left.len > width ? left.len : width;
    }
    if (n)
        qsort(rows, n, sizeof(*rows), by_name);
    for (size_t i = 0; i < n; i++) {
        buf_truncate(&left, 0);
        help_left(rows[i], &left);
        buf_printf(out, "%-*s   %s\n", (int)width, buf_str(&left), rows[i]->help);
    }
}
