/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: values as text, and printf, by the rules of Go's fmt. */
#include "base/alloc.h"
#include "cmd/template_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MAX 1000000 /* as Go's fmt */

/* The fewest digits that give the number back, as %e below 1e-4 and from 1e6 on. */
void template_format_real(struct buf *out, double d)
{
    if (!isfinite(d)) {
        buf_add_str(out, isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
        return;
    }
    char s[40];
    int precision = 0;
    do {
        snprintf(s, sizeof(s), "%.*e", precision, d);
    } while (precision++ < 17 && strtod(s, NULL) != d);
    int exponent = atoi(strchr(s, 'e') + 1);
    if (exponent < -4 || exponent >= 6) {
        buf_add_str(out, s);
        return;
    }
    int decimals = precision - 1 - exponent;
    buf_printf(out, "%.*f", decimals > 0 ? decimals : 0, d);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **template_sorted_keys(const json_t *obj, size_t *ret_n)
{
    size_t n = 0;
    const char **keys = xcalloc(json_object_size(obj), sizeof(*keys));
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)obj, key, v) {
        keys[n++] = key;
    }
    if (n)
        qsort(keys, n, sizeof(*keys), compare_keys);
    *ret_n = n;
    return keys;
}

static void format_element(struct buf *out, const json_t *j, bool quoted)
{
    if (quoted && json_is_string(j))
        template_format_quoted(out, json_string_value(j), json_string_length(j));
    else
        template_format_value(out, j);
}

static void format_array(struct buf *out, const json_t *j, bool quoted)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < json_array_size(j); i++) {
        if (i)
            buf_add_char(out, ' ');
        format_element(out, json_array_get(j, i), quoted);
    }
    buf_add_char(out, ']');
}

static void format_object(struct buf *out, const json_t *j, bool quoted)
{
    size_t n;
    auto_free const char **keys = template_sorted_keys(j, &n);
    buf_add_str(out, "map[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(out, ' ');
        if (quoted)
            template_format_quoted(out, keys[i], strlen(keys[i]));
        else
            buf_add_str(out, keys[i]);
        buf_add_char(out, ':');
        format_element(out, json_object_get(j, keys[i]), quoted);
    }
    buf_add_char(out, ']');
}

void template_format_value(struct buf *out, const json_t *j)
{
    switch (j ? json_typeof(j) : JSON_NULL) {
    case JSON_STRING: buf_add(out, json_string_value(j), json_string_length(j)); break;
    case JSON_INTEGER: buf_printf(out, "%lld", (long long)json_integer_value(j)); break;
    case JSON_REAL: template_format_real(out, json_real_value(j)); break;
    case JSON_TRUE: buf_add_str(out, "true"); break;
    case JSON_FALSE: buf_add_str(out, "false"); break;
    case JSON_ARRAY: format_array(out, j, false); break;
    case JSON_OBJECT: format_object(out, j, false); break;
    default: buf_add_str(out, "<nil>"); break;
    }
}

void template_format_quoted(struct buf *out, const char *s, size_t len)
{
    static const char codes[] = "\a\b\f\n\r\t\v\\\"", names[] = "abfnrtv\\\"";
    buf_add_char(out, '"');
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = template_decode(s + i, len - i, &c);
        const char *at = c && c < 0x80 ? strchr(codes, (int)c) : NULL;
        if (at)
            buf_printf(out, "\\%c", names[at - codes]);
        else if (c < 0x20 || c == 0x7f || (c == 0xfffd && n == 1))
            buf_printf(out, "\\x%02x", (unsigned char)s[i]);
        else if (c >= 0x80 && c < 0xa0)
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_add(out, s + i, n);
        i += n;
    }
    buf_add_char(out, '"');
}

/* One verb of a format: "%-08.3f". */
struct verb {
    bool minus, zero, plus, space, sharp;
    bool has_width, has_precision;
    int width, precision;
    char letter;
};

struct printf_state {
    struct run *r;
    const struct value *args;
    size_t n, next;
    struct buf *out;
};

/* A decimal, at most WIDTH_MAX + 1. */
static int read_number(const char **s, const char *end)
{
    int n = 0;
    for (; *s < end && **s >= '0' && **s <= '9'; (*s)++)
        n = n > WIDTH_MAX ? n : n * 10 + (**s - '0');
    return n;
}

/* A width or precision: digits, or "*" for an argument. False when it is none. */
static bool read_size(struct printf_state *st, const char **s, const char *end, int *ret)
{
    if (*s < end && **s == '*') {
        (*s)++;
        const json_t *j = st->next < st->n ? st->args[st->next++].j : NULL;
        json_int_t n = json_integer_value(j);
        if (!json_is_integer(j) || n > WIDTH_MAX || n < -WIDTH_MAX)
            return false;
        *ret = (int)n;
        return true;
    }
    *ret = read_number(s, end);
    return *ret <= WIDTH_MAX;
}

static void read_flags(const char **s, const char *end, struct verb *v)
{
    for (; *s < end; (*s)++) {
        switch (**s) {
        case '-': v->minus = true; break;
        case '0': v->zero = true; break;
        case '+': v->plus = true; break;
        case ' ': v->space = true; break;
        case '#': v->sharp = true; break;
        default: return;
        }
    }
}

/* Reads what stands between "%" and the letter; reports bad sizes in *out as Go does. */
static void read_verb(struct printf_state *st, const char **s, const char *end, struct verb *v)
{
    read_flags(s, end, v);
    if (*s < end && ((**s >= '1' && **s <= '9') || **s == '*')) {
        v->has_width = read_size(st, s, end, &v->width);
        if (!v->has_width)
            buf_add_str(st->out, "%!(BADWIDTH)");
        if (v->has_width && v->width < 0) {
            v->minus = true;
            v->width = -v->width;
        }
    }
    if (*s < end && **s == '.') {
        (*s)++;
        v->has_precision = read_size(st, s, end, &v->precision) && v->precision >= 0;
        if (!v->has_precision)
            buf_add_str(st->out, "%!(BADPREC)");
    }
    v->zero = v->zero && !v->minus;
}

static size_t characters(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; n++) {
        uint32_t c;
        i += template_decode(s + i, len - i, &c);
    }
    return n;
}

/* Appends `s`, filled up to the verb's width; zeros go behind a sign. */
static void add_padded(struct buf *out, const struct verb *v, const char *s, size_t len, bool zero)
{
    size_t have = characters(s, len);
    size_t fill = v->has_width && (size_t)v->width > have ? (size_t)v->width - have : 0;
    if (zero && fill && len && (*s == '-' || *s == '+' || *s == ' ')) {
        buf_add_char(out, *s++);
        len--;
    }
    for (size_t i = 0; !v->minus && i < fill; i++)
        buf_add_char(out, zero ? '0' : ' ');
    buf_add(out, s, len);
    for (size_t i = 0; v->minus && i < fill; i++)
        buf_add_char(out, ' ');
}

static void add_sign(struct buf *b, const struct verb *v, bool negative)
{
    if (negative)
        buf_add_char(b, '-');
    else if (v->plus || v->space)
        buf_add_char(b, v->plus ? '+' : ' ');
}

/* %d %b %o %x %X %c %q %U of a whole number; false for another letter. */
static bool format_int(struct buf *b, const struct verb *v, json_int_t n)
{
    uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    if (v->letter == 'c' || v->letter == 'q') {
        if (v->letter == 'q')
            buf_add_char(b, '\'');
        template_encode(b, n < 0 || n > 0x10ffff ? 0xfffd : (uint32_t)n);
        if (v->letter == 'q')
            buf_add_char(b, '\'');
        return true;
    }
    if (v->letter == 'U') {
        buf_printf(b, "U+%04llX", (unsigned long long)u);
        return true;
    }
    if (!strchr("vdboxX", v->letter))
        return false;
    unsigned base = v->letter == 'b'            ? 2
                    : v->letter == 'o'          ? 8
                    : (v->letter | 0x20) == 'x' ? 16
                                                : 10;
    const char *digits = v->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char s[65];
    size_t at = sizeof(s);
    do {
        s[--at] = digits[u % base];
        u /= base;
    } while (u);
    add_sign(b, v, n < 0);
    if (v->sharp && base != 10)
        buf_add_str(b, base == 2 ? "0b" : base == 8 ? "0" : v->letter == 'X' ? "0X" : "0x");
    for (size_t i = sizeof(s) - at; v->has_precision && i < (size_t)v->precision; i++)
        buf_add_char(b, '0');
    buf_add(b, s + at, sizeof(s) - at);
    return true;
}

static bool format_float(struct buf *b, const struct verb *v, double d)
{
    if (!strchr("vfFeEgG", v->letter))
        return false;
    /* More digits than a double has would only be zeros; Go's are exact, so are these. */
    int precision = v->has_precision ? (v->precision > 1100 ? 1100 : v->precision) : 6;
    if (!signbit(d))
        add_sign(b, v, false);
    switch (v->letter) {
    case 'f':
    case 'F': buf_printf(b, "%.*f", precision, d); break;
    case 'e': buf_printf(b, "%.*e", precision, d); break;
    case 'E': buf_printf(b, "%.*E", precision, d); break;
    default:
        if (v->has_precision)
            buf_printf(b, "%.*g", precision, d);
        else
            template_format_real(b, d);
    }
    return true;
}

static bool format_string(struct buf *b, const struct verb *v, const char *s, size_t len)
{
    if (v->has_precision && v->letter != 'x' && v->letter != 'X') {
        size_t at = 0;
        for (int i = 0; i < v->precision && at < len; i++) {
            uint32_t c;
            at += template_decode(s + at, len - at, &c);
        }
        len = at;
    }
    switch (v->letter) {
    case 'v':
    case 's': buf_add(b, s, len); return true;
    case 'q': template_format_quoted(b, s, len); return true;
    case 'x':
    case 'X':
        for (size_t i = 0; i < len; i++)
            buf_printf(b, v->letter == 'x' ? "%02x" : "%02X", (unsigned char)s[i]);
        return true;
    default: return false;
    }
}

/* "%!d(string=x)": the verb does not fit the value. */
static void add_misfit(struct buf *out, const struct verb *v, const json_t *j)
{
    if (!j || json_is_null(j)) {
        buf_printf(out, "%%!%c(<nil>)", v->letter);
        return;
    }
    buf_printf(out, "%%!%c(%s=", v->letter, template_type_name(j));
    template_format_value(out, j);
    buf_add_char(out, ')');
}

/* Lists and maps: %v, %s and %q of all that is in them. */
static bool format_container(struct buf *b, const struct verb *v, const json_t *j)
{
    bool quoted = v->letter == 'q';
    if (v->letter != 'v' && v->letter != 's' && !quoted)
        return false;
    if (json_is_array(j))
        format_array(b, j, quoted);
    else
        format_object(b, j, quoted);
    return true;
}

static void format_argument(struct buf *out, const struct verb *v, const json_t *j)
{
    auto_buf b = {0};
    bool fits = false, number = false;
    if (v->letter == 'T') {
        buf_add_str(&b, template_type_name(j));
        fits = true;
    } else if (json_is_integer(j)) {
        number = true;
        fits = format_int(&b, v, json_integer_value(j));
    } else if (json_is_real(j)) {
        number = true;
        fits = format_float(&b, v, json_real_value(j));
    } else if (json_is_string(j)) {
        fits = format_string(&b, v, json_string_value(j), json_string_length(j));
    } else if (json_is_array(j) || json_is_object(j)) {
        fits = format_container(&b, v, j);
    } else if (json_is_boolean(j) ? v->letter == 't' || v->letter == 'v' : v->letter == 'v') {
        template_format_value(&b, j);
        fits = true;
    }
    if (fits)
        add_padded(out, v, buf_str(&b), b.len, number && v->zero && !v->has_precision);
    else
        add_misfit(out, v, j);
}

/* Everything behind a "%" at *s. */
static void format_verb(struct printf_state *st, const char **s, const char *end)
{
    struct verb v = {0};
    read_verb(st, s, end, &v);
    if (*s >= end) {
        buf_add_str(st->out, "%!(NOVERB)");
        return;
    }
    v.letter = *(*s)++;
    if (v.letter == '%') {
        buf_add_char(st->out, '%');
        return;
    }
    if (st->next >= st->n) {
        buf_printf(st->out, "%%!%c(MISSING)", v.letter);
        return;
    }
    /* A float keeps its zeros in front of the digits whatever its precision is. */
    const json_t *j = st->args[st->next++].j;
    bool zero_float = json_is_real(j) && v.zero;
    if (!zero_float) {
        format_argument(st->out, &v, j);
        return;
    }
    auto_buf b = {0};
    if (format_float(&b, &v, json_real_value(j)))
        add_padded(st->out, &v, buf_str(&b), b.len, true);
    else
        add_misfit(st->out, &v, j);
}

static void add_extra(struct printf_state *st)
{
    buf_add_str(st->out, "%!(EXTRA ");
    for (size_t i = st->next; i < st->n; i++) {
        if (i > st->next)
            buf_add_str(st->out, ", ");
        const json_t *j = st->args[i].j;
        if (j && !json_is_null(j))
            buf_printf(st->out, "%s=", template_type_name(j));
        template_format_value(st->out, j);
    }
    buf_add_char(st->out, ')');
}

int template_printf(struct run *r, const struct template_function *self, const struct value *args,
                    size_t n, struct value *ret)
{
    auto_buf out = {0};
    struct printf_state st = {.r = r, .args = args + 1, .n = n - 1, .out = &out};
    if (!json_is_string(args[0].j))
        return template_failed(r, "expected string; found %s", template_type_name(args[0].j));
    const char *s = json_string_value(args[0].j), *end = s + json_string_length(args[0].j);
    while (s < end && out.len <= TEMPLATE_STRING_MAX) {
        const char *next = memchr(s, '%', (size_t)(end - s));
        buf_add(&out, s, (size_t)((next ? next : end) - s));
        s = next ? next + 1 : end;
        if (next)
            format_verb(&st, &s, end);
    }
    if (st.next < st.n && out.len <= TEMPLATE_STRING_MAX)
        add_extra(&st);
    return template_new_string(r, buf_str(&out), out.len, ret);
}
