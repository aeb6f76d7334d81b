/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: the functions. */
#include "base/alloc.h"
#include "cmd/template_internal.h"

#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#define ANY ((size_t)-1)

static int give_bool(bool b, struct value *ret)
{
    *ret = (struct value){.j = json_boolean(b)};
    return 0;
}

/* Fills *ret with a borrowed string argument. */
static int want_string(struct run *r, const struct value *v, const char **ret, size_t *ret_len)
{
    if (!v->j) { /* a label that is not there is an empty one */
        *ret = "";
        *ret_len = 0;
        return 0;
    }
    if (!json_is_string(v->j))
        return template_failed(r, "expected string; found %s", template_type_name(v->j));
    *ret = json_string_value(v->j);
    *ret_len = json_string_length(v->j);
    return 0;
}

/* A whole number from 0 to `limit`. */
static int want_count(struct run *r, const struct value *v, size_t limit, size_t *ret)
{
    if (!json_is_integer(v->j))
        return template_failed(r, "expected integer; found %s", template_type_name(v->j));
    json_int_t n = json_integer_value(v->j);
    if (n < 0 || (uint64_t)n > limit)
        return template_failed(r, "index out of range: %lld", (long long)n);
    *ret = (size_t)n;
    return 0;
}

static int fn_json(struct run *r, const struct template_function *self, const struct value *args,
                   size_t n, struct value *ret)
{
    if (!args[0].j)
        return template_new_string(r, "null", 4, ret);
    char *s = json_dumps(args[0].j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (!s)
        return template_failed(r, "the value is no valid UTF-8");
    int result = template_new_string(r, s, strlen(s), ret);
    free(s);
    return result;
}

static int fn_join(struct run *r, const struct template_function *self, const struct value *args,
                   size_t n, struct value *ret)
{
    const char *sep;
    size_t sep_len, i;
    if (want_string(r, &args[1], &sep, &sep_len) < 0)
        return -EINVAL;
    if (r->headings && json_is_string(args[0].j)) {
        ret->j = json_incref(args[0].j);
        return 0;
    }
    const json_t *list = args[0].j;
    if (list && !json_is_array(list) && !json_is_null(list))
        return template_failed(r, "expected a list of strings; found %s", template_type_name(list));
    auto_buf out = {0};
    for (i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        if (!json_is_string(e))
            return template_failed(r, "expected a list of strings; found %s in it",
                                   template_type_name(e));
        if (i)
            buf_add(&out, sep, sep_len);
        buf_add(&out, json_string_value(e), json_string_length(e));
        if (out.len > TEMPLATE_STRING_MAX)
            break; /* refused below */
    }
    return template_new_string(r, buf_str(&out), out.len, ret);
}

static int fn_split(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    const char *s, *sep;
    size_t len, sep_len;
    if (want_string(r, &args[0], &s, &len) < 0 || want_string(r, &args[1], &sep, &sep_len) < 0)
        return -EINVAL;
    struct value list = {.j = json_array()};
    const char *end = s + len;
    for (bool more = sep_len || len; more;) {
        uint32_t c;
        const char *at = sep_len ? memmem(s, (size_t)(end - s), sep, sep_len)
                                 : s + template_decode(s, (size_t)(end - s), &c);
        more = sep_len ? at != NULL : at < end;
        struct value part = {0};
        if (json_array_size(list.j) >= TEMPLATE_ARRAY_MAX ||
            template_new_string(r, s, (size_t)((at ? at : end) - s), &part) < 0) {
            json_decref(list.j);
            return template_failed(r, "the list is too long");
        }
        json_array_append_new(list.j, part.j);
        s = at ? at + sep_len : end;
    }
    *ret = list;
    return 0;
}

enum letters { LOWER, UPPER, TITLE };

/* The string with its letters changed; beyond ASCII as the locale knows them. */
static int change_case(struct run *r, const struct value *arg, enum letters how, struct value *ret)
{
    const char *s;
    size_t len;
    if (want_string(r, arg, &s, &len) < 0)
        return -EINVAL;
    auto_buf out = {0};
    bool in_word = false;
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = template_decode(s + i, len - i, &c);
        bool upper = how == UPPER || (how == TITLE && !in_word);
        in_word = iswalnum((wint_t)c) || c == '_' || c == '\'';
        if (c == 0xfffd || (how == TITLE && !upper))
            buf_add(&out, s + i, n);
        else
            template_encode(&out, (uint32_t)(upper ? towupper((wint_t)c) : towlower((wint_t)c)));
        i += n;
    }
    return template_new_string(r, buf_str(&out), out.len, ret);
}

static int fn_lower(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    return change_case(r, &args[0], LOWER, ret);
}

static int fn_upper(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    return change_case(r, &args[0], UPPER, ret);
}

static int fn_title(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    return change_case(r, &args[0], TITLE, ret);
}

/* pad TEXT BEFORE AFTER: blanks around a text that is not empty. */
static int fn_pad(struct run *r, const struct template_function *self, const struct value *args,
                  size_t n, struct value *ret)
{
    const char *s;
    size_t len, before, after;
    if (want_string(r, &args[0], &s, &len) < 0 ||
        want_count(r, &args[1], TEMPLATE_STRING_MAX, &before) < 0 ||
        want_count(r, &args[2], TEMPLATE_STRING_MAX, &after) < 0)
        return -EINVAL;
    if (!len)
        before = after = 0;
    auto_buf out = {0};
    for (size_t i = 0; i < before; i++)
        buf_add_char(&out, ' ');
    buf_add(&out, s, len);
    for (size_t i = 0; i < after; i++)
        buf_add_char(&out, ' ');
    return template_new_string(r, buf_str(&out), out.len, ret);
}

/* truncate TEXT N: its first N characters (podman cuts bytes, which breaks letters apart). */
static int fn_truncate(struct run *r, const struct template_function *self,
                       const struct value *args, size_t n, struct value *ret)
{
    const char *s;
    size_t len, count, at = 0;
    if (want_string(r, &args[0], &s, &len) < 0 || want_count(r, &args[1], SIZE_MAX / 2, &count) < 0)
        return -EINVAL;
    for (; count && at < len; count--) {
        uint32_t c;
        at += template_decode(s + at, len - at, &c);
    }
    return template_new_string(r, s, at, ret);
}

static int fn_len(struct run *r, const struct template_function *self, const struct value *args,
                  size_t n, struct value *ret)
{
    const json_t *j = args[0].j;
    size_t len = 0;
    if (json_is_string(j))
        len = json_string_length(j);
    else if (json_is_array(j))
        len = json_array_size(j);
    else if (json_is_object(j))
        len = json_object_size(j);
    else if (j && !json_is_null(j))
        return template_failed(r, "len of type %s", template_type_name(j));
    ret->j = json_integer((json_int_t)len);
    return 0;
}

/* One step of index: *v is borrowed and replaced; `empty` is what a key that is not there gives. */
static int index_step(struct run *r, const json_t **v, const struct value *key, json_t *empty)
{
    const json_t *j = *v;
    if (r->headings && json_is_string(j))
        return 0;
    if (json_is_string(key->j) && (!j || json_is_object(j) || json_is_null(j))) {
        const json_t *found = json_object_get(j, json_string_value(key->j));
        *v = found ? found : empty;
        return 0;
    }
    if (json_is_object(j))
        return template_failed(r, "value has type %s; should be string",
                               template_type_name(key->j));
    if (!json_is_array(j))
        return template_failed(r, "can't index item of type %s", template_type_name(j));
    if (!json_is_integer(key->j))
        return template_failed(r, "cannot index list with type %s", template_type_name(key->j));
    json_int_t i = json_integer_value(key->j);
    if (i < 0 || (uint64_t)i >= json_array_size(j))
        return template_failed(r, "index out of range: %lld", (long long)i);
    *v = json_array_get(j, (size_t)i);
    return 0;
}

static int fn_index(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    json_t *empty = json_string("");
    const json_t *v = args[0].j;
    int result = 0;
    for (size_t i = 1; i < n && result == 0; i++)
        result = index_step(r, &v, &args[i], empty);
    if (result == 0) {
        ret->j = json_incref((json_t *)v);
        ret->map = n == 1 && args[0].map;
    }
    json_decref(empty);
    return result;
}

/* slice VALUE [FROM [TO]]: of a string (bytes, as Go's) or a list. */
static int fn_slice(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    const json_t *j = args[0].j;
    if (!json_is_string(j) && !json_is_array(j))
        return template_failed(r, "can't slice item of type %s", template_type_name(j));
    size_t len = json_is_array(j) ? json_array_size(j) : json_string_length(j);
    size_t from = 0, to = len;
    if ((n > 1 && want_count(r, &args[1], len, &from) < 0) ||
        (n > 2 && want_count(r, &args[2], len, &to) < 0))
        return -EINVAL;
    if (from > to)
        return template_failed(r, "invalid slice index: %zu > %zu", from, to);
    if (json_is_string(j))
        return template_new_string(r, json_string_value(j) + from, to - from, ret);
    ret->j = json_array();
    for (size_t i = from; i < to; i++)
        json_array_append(ret->j, json_array_get(j, i));
    return 0;
}

enum basic { BASIC_NIL, BASIC_BOOL, BASIC_INT, BASIC_REAL, BASIC_STRING, BASIC_NONE };

static enum basic basic_kind(const json_t *j)
{
    switch (j ? json_typeof(j) : JSON_NULL) {
    case JSON_NULL: return BASIC_NIL;
    case JSON_TRUE:
    case JSON_FALSE: return BASIC_BOOL;
    case JSON_INTEGER: return BASIC_INT;
    case JSON_REAL: return BASIC_REAL;
    case JSON_STRING: return BASIC_STRING;
    default: return BASIC_NONE;
    }
}

/* Below, equal or above zero for two values of one kind. */
static int order(const json_t *a, const json_t *b, enum basic kind)
{
    switch (kind) {
    case BASIC_BOOL: return json_is_true(a) - json_is_true(b);
    case BASIC_INT: {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    case BASIC_REAL: {
        double x = json_real_value(a), y = json_real_value(b);
        return (x > y) - (x < y);
    }
    case BASIC_STRING: {
        size_t n = json_string_length(a), m = json_string_length(b);
        int c = memcmp(json_string_value(a), json_string_value(b), n < m ? n : m);
        return c ? c : (n > m) - (n < m);
    }
    default: return 0;
    }
}

static int equal(struct run *r, const json_t *a, const json_t *b, bool *ret)
{
    enum basic ka = basic_kind(a), kb = basic_kind(b);
    if (ka == BASIC_NONE || kb == BASIC_NONE)
        return template_failed(r, "non-comparable type: %s",
                               template_type_name(ka == BASIC_NONE ? a : b));
    if (!a || !b) { /* a key that is not there equals "" as index gives it, and nil */
        const json_t *other = a ? a : b;
        *ret = !other || json_is_null(other) || (kb == BASIC_STRING && !json_string_length(b)) ||
               (ka == BASIC_STRING && !json_string_length(a));
        return 0;
    }
    if (ka != kb && ka != BASIC_NIL && kb != BASIC_NIL)
        return template_failed(r, "incompatible types for comparison");
    *ret = ka == kb && order(a, b, ka) == 0;
    return 0;
}

/* eq A B...: A equals one of them. */
static int fn_eq(struct run *r, const struct template_function *self, const struct value *args,
                 size_t n, struct value *ret)
{
    bool same = false;
    for (size_t i = 1; i < n && !same; i++)
        if (equal(r, args[0].j, args[i].j, &same) < 0)
            return -EINVAL;
    return give_bool(same, ret);
}

static int fn_ne(struct run *r, const struct template_function *self, const struct value *args,
                 size_t n, struct value *ret)
{
    bool same;
    if (equal(r, args[0].j, args[1].j, &same) < 0)
        return -EINVAL;
    return give_bool(!same, ret);
}

/* lt, le, gt, ge. */
static int fn_order(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    enum basic ka = basic_kind(args[0].j), kb = basic_kind(args[1].j);
    if (ka != kb)
        return template_failed(r, "incompatible types for comparison");
    if (ka != BASIC_INT && ka != BASIC_REAL && ka != BASIC_STRING)
        return template_failed(r, "invalid type for comparison");
    int c = order(args[0].j, args[1].j, ka);
    if (c == 0)
        return give_bool(self->name[1] == 'e', ret);
    return give_bool((c < 0) == (self->name[0] == 'l'), ret);
}

static int fn_not(struct run *r, const struct template_function *self, const struct value *args,
                  size_t n, struct value *ret)
{
    return give_bool(!template_truth(&args[0]), ret);
}

/* print: blanks between operands when neither is a string; println: always, and a new line. */
static int fn_print(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    auto_buf out = {0};
    bool line = self->name[5] != 0;
    for (size_t i = 0; i < n && out.len <= TEMPLATE_STRING_MAX; i++) {
        if (i && (line || (!json_is_string(args[i].j) && !json_is_string(args[i - 1].j))))
            buf_add_char(&out, ' ');
        template_format_value(&out, args[i].j);
    }
    if (line)
        buf_add_char(&out, '\n');
    return template_new_string(r, buf_str(&out), out.len, ret);
}

static const struct template_function functions[] = {
    {"and", 1, ANY, NULL},
    {"eq", 2, ANY, fn_eq},
    {"ge", 2, 2, fn_order},
    {"gt", 2, 2, fn_order},
    {"index", 1, ANY, fn_index},
    {"join", 2, 2, fn_join},
    {"json", 1, 1, fn_json},
    {"le", 2, 2, fn_order},
    {"len", 1, 1, fn_len},
    {"lower", 1, 1, fn_lower},
    {"lt", 2, 2, fn_order},
    {"ne", 2, 2, fn_ne},
    {"not", 1, 1, fn_not},
    {"or", 1, ANY, NULL},
    {"pad", 3, 3, fn_pad},
    {"print", 0, ANY, fn_print},
    {"printf", 1, ANY, template_printf},
    {"println", 0, ANY, fn_print},
    {"slice", 1, 3, fn_slice},
    {"split", 2, 2, fn_split},
    {"title", 1, 1, fn_title},
    {"truncate", 2, 2, fn_truncate},
    {"upper", 1, 1, fn_upper},
};

const struct template_function *template_function_find(const char *name)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}
