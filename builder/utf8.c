/* SPDX-License-Identifier: Apache-2.0 */
/* Stepping through UTF-8 text that may be none. */
#include "builder/utf8.h"

size_t utf8_next(const char *s, uint32_t *ret_code)
{
    unsigned char c = s[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
    uint32_t code = n == 1 ? c : n == 2 ? c & 0x1f : n == 3 ? c & 0xf : c & 7;
    if (c >= 0xf5)
        n = 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80) {
            n = 0;
            break;
        }
        code = code << 6 | ((unsigned char)s[i] & 0x3f);
    }
    *ret_code = n ? code : 0x110000u + c;
    return n ? n : 1;
}
