/* SPDX-License-Identifier: Apache-2.0 */
/* Base64. */
#include "base/base64.h"

#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
    const unsigned char *p = data;
    char *out = xcalloc(len / 3 + 1, 4 + 1), *o = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v =
            (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        for (size_t j = 0; j < 4; j++)
            *o++ = j <= n ? digits[v >> (18 - 6 * j) & 63] : '=';
    }
    return out;
}

int base64_decode(const char *text, struct buf *ret)
{
    auto_buf out = {0};
    uint32_t bits = 0;
    int n = 0;
    for (; *text && *text != '='; text++) {
        const char *at = strchr(digits, *text);
        if (strchr(" \t\r\n", *text))
            continue;
        if (!at)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)(at - digits);
        n += 6;
        if (n >= 8) {
            n -= 8;
            buf_add_char(&out, (char)(bits >> n & 255));
        }
    }
    if (text[strspn(text, "= \t\r\n")] || n == 6)
        return -EINVAL;
    if (out.len)
        buf_add(ret, out.data, out.len);
    return 0;
}
