/* SPDX-License-Identifier: Apache-2.0 */
/* Content digests. */
#include "spec/digest.h"

#include <string.h>

static const char prefix[] = "sha256:";

bool digest_valid(const char *s)
{
    if (!s || strncmp(s, prefix, strlen(prefix)) != 0)
        return false;
    s += strlen(prefix);
    return strspn(s, "0123456789abcdef") == DIGEST_HEX_LEN && s[DIGEST_HEX_LEN] == 0;
}

const char *digest_hex(const char *digest)
{
    return digest + strlen(prefix);
}
