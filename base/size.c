/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes as people write them. */
#include "base/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bits of the factor that a unit stands for, or -1. */
static int unit_shift(const char *unit)
{
    static const char letters[] = "bkmgtp";
    if (!*unit)
        return 0;
    const char *at = strchr(letters, tolower((unsigned char)*unit));
    if (!at)
        return -1;
    int shift = (int)(at - letters) * 10;
    const char *rest = unit + 1;
    bool known = !*rest || (shift && (strcasecmp(rest, "b") == 0 || strcasecmp(rest, "ib") == 0));
    return known ? shift : -1;
}

int size_parse(const char *text, uint64_t *ret)
{
    size_t digits = strspn(text, "0123456789"), n = digits;
    if (text[n] == '.')
        n += 1 + strspn(text + n + 1, "0123456789");
    if (!digits)
        return -EINVAL;
    const char *unit = text + n;
    while (*unit == ' ')
        unit++;
    int shift = unit_shift(unit);
    if (shift < 0)
        return -EINVAL;
    errno = 0;
    unsigned long long whole = strtoull(text, NULL, 10);
    if (errno || whole > (uint64_t)INT64_MAX >> shift)
        return -ERANGE;
    /* The part behind the point, in double: it is less than one unit. */
    double part = n > digits ? strtod(text + digits, NULL) : 0;
    *ret = ((uint64_t)whole << shift) + (uint64_t)(part * (double)(UINT64_C(1) << shift));
    return 0;
}
