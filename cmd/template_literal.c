/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: constants, and UTF-8. */
#include "base/alloc.h"
#include "cmd/template_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t template_decode(const char *s, size_t len, uint32_t *ret)
{
    const unsigned char *u = (const unsigned char *)s;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = *u < 0x80 ? 1 : *u >= 0xf0 && *u < 0xf8 ? 4 : *u >= 0xe0 ? 3 : *u >= 0xc0 ? 2 : 0;
    uint32_t c = n == 1 ? *u : n == 2 ? *u & 0x1f : n == 3 ? *u & 0x0f : *u & 0x07;
    bool good = n && n <= len && *u < 0xf8;
    for (size_t i = 1; good && i < n; i++) {
        good = (u[i] & 0xc0) == 0x80;
        c = c << 6 | (u[i] & 0x3f);
    }
    if (!good || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        *ret = 0xfffd;
        return 1;
    }
    *ret = c;
    return n;
}

void template_encode(struct buf *out, uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        buf_add_char(out, (char)c);
    } else if (c < 0x800) {
        buf_add_char(out, (char)(0xc0 | c >> 6));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_char(out, (char)(0xe0 | c >> 12));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_char(out, (char)(0xf0 | c >> 18));
        buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Reads `n` digits of `base`; false when there are fewer. */
static bool code_digits(const char *s, size_t len, size_t n, int base, uint32_t *ret)
{
    uint32_t c = 0;
    if (len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (digit(s[i]) >= base)
            return false;
        c = c * (uint32_t)base + (uint32_t)digit(s[i]);
    }
    *ret = c;
    return true;
}

/* The escape behind a backslash at `s`: its length, 0 when there is no such escape. *ret_byte tells
 * that it is a byte (\x41, \101) and no character. */
static size_t escape(const char *s, size_t len, char quote, uint32_t *ret, bool *ret_byte)
{
    static const char names[] = "abfnrtv\\", codes[] = "\a\b\f\n\r\t\v\\";
    if (!len)
        return 0;
    const char *at = memchr(names, *s, sizeof(names) - 1);
    *ret_byte = false;
    if (at || *s == quote) {
        *ret = at ? (uint32_t)codes[at - names] : (uint32_t)quote;
        return 1;
    }
    size_t n = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
    if (n) {
        *ret_byte = n == 2;
        return code_digits(s + 1, len - 1, n, 16, ret) ? n + 1 : 0;
    }
    *ret_byte = true;
    return code_digits(s, len, 3, 8, ret) && *ret < 256 ? 3 : 0;
}

json_t *template_string_literal(const char *s, size_t len)
{
    if (*s == '`')
        return json_stringn_nocheck(s + 1, len - 2);
    auto_buf out = {0};
    for (size_t i = 1; i + 1 < len;) {
        if (s[i] != '\\') {
            buf_add_char(&out, s[i++]);
            continue;
        }
        uint32_t c;
        bool byte;
        size_t n = escape(s + i + 1, len - i - 2, '"', &c, &byte);
        if (!n || (!byte && (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))))
            return NULL;
        if (byte)
            buf_add_char(&out, (char)c);
        else
            template_encode(&out, c);
        i += n + 1;
    }
    return json_stringn_nocheck(buf_str(&out), out.len);
}

json_t *template_char_literal(const char *s, size_t len)
{
    uint32_t c;
    bool byte;
    if (len < 3)
        return NULL;
    size_t n = s[1] == '\\' ? 1 + escape(s + 2, len - 3, '\'', &c, &byte)
                            : template_decode(s + 1, len - 2, &c);
    if (n + 2 != len || (s[1] == '\\' && n == 1) || c > 0x10ffff)
        return NULL;
    return json_integer(c);
}

/* "_" stands between digits only, or behind the base's prefix. */
static bool underscores_good(const char *s)
{
    for (size_t i = 0; s[i]; i++)
        if (s[i] == '_' && (i == 0 || digit(s[i + 1]) > 15 || s[i - 1] == '_' || s[i - 1] == '.'))
            return false;
    return true;
}

static json_t *whole_number(const char *s, bool negative)
{
    int base = 10;
    if (s[0] == '0' && s[1]) {
        char c = s[1] | 0x20;
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        s += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
    }
    if (!*s)
        return NULL;
    /* Accumulated below zero, where there is room for one more. */
    int64_t n = 0;
    for (; *s; s++)
        if (digit(*s) >= base || __builtin_mul_overflow(n, base, &n) ||
            __builtin_sub_overflow(n, digit(*s), &n))
            return NULL;
    if (!negative && n == INT64_MIN)
        return NULL;
    return json_integer(negative ? n : -n);
}

json_t *template_number_literal(const char *s, size_t len)
{
    auto_buf plain = {0};
    auto_free char *copy = xstrndup(s, len);
    bool negative = *copy == '-';
    const char *digits = copy + (*copy == '-' || *copy == '+');
    bool hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
    if (!underscores_good(digits))
        return NULL;
    for (const char *p = digits; *p; p++)
        if (*p != '_')
            buf_add_char(&plain, *p);
    const char *text = buf_str(&plain);
    if (hex || !strpbrk(text, ".eE"))
        return whole_number(text, negative);
    /* strtod knows more than Go does: infinities and names are no digits. */
    char *end;
    if (strspn(text, "0123456789.eE+-") != strlen(text) || (text[0] == '.' && !text[1]))
        return NULL;
    double d = strtod(text, &end);
    return *end || end == text || !isfinite(d) ? NULL : json_real(negative ? -d : d);
}
