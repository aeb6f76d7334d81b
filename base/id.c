/* SPDX-License-Identifier: Apache-2.0 */
/* Random identifiers. */
#include "base/id.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void id_random(char out[static ID_HEX_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    do {
        unsigned char bytes[ID_HEX_LEN / 2];
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
            abort();
        for (size_t i = 0; i < sizeof(bytes); i++) {
            out[2 * i] = digits[bytes[i] >> 4];
            out[2 * i + 1] = digits[bytes[i] & 15];
        }
        out[ID_HEX_LEN] = 0;
    } while (strspn(out, "0123456789") >= ID_SHORT_LEN);
}

bool id_is_prefix(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");
    return n > 0 && n <= ID_HEX_LEN && s[n] == 0;
}
