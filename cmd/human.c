/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations and commands as lists show them. */
#include "cmd/human.h"

#include "cmd/template_internal.h"

#include <stdio.h>
#include <string.h>

#define COMMAND_MAX 17

static const char *write_size(uint64_t bytes, const char *gap, int digits,
                              char out[static HUMAN_MAX])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    double n = (double)bytes;
    /* What would be written as 1000 with these digits is the next unit's 1. */
    double limit = digits == 3 ? 999.5 : 999.95;
    while (n >= (unit ? limit : 1000) && unit + 1 < sizeof(units) / sizeof(*units)) {
        n /= 1000;
        unit++;
    }
    snprintf(out, HUMAN_MAX, "%.*g%.8s%s", digits, n, gap, units[unit]);
    return out;
}

const char *human_size(uint64_t bytes, const char *gap, char out[static HUMAN_MAX])
{
    return write_size(bytes, gap, 3, out);
}

const char *human_size_long(uint64_t bytes, const char *gap, char out[static HUMAN_MAX])
{
    return write_size(bytes, gap, 4, out);
}

const char *human_duration(int64_t seconds, char out[static HUMAN_MAX])
{
    const int64_t day = 24; /* in hours */
    int64_t minutes = seconds / 60, hours = (seconds + 1800) / 3600;
    if (seconds < 1)
        snprintf(out, HUMAN_MAX, "Less than a second");
    else if (seconds == 1)
        snprintf(out, HUMAN_MAX, "1 second");
    else if (seconds < 60)
        snprintf(out, HUMAN_MAX, "%lld seconds", (long long)seconds);
    else if (minutes == 1)
        snprintf(out, HUMAN_MAX, "About a minute");
    else if (minutes < 60)
        snprintf(out, HUMAN_MAX, "%lld minutes", (long long)minutes);
    else if (hours == 1)
        snprintf(out, HUMAN_MAX, "About an hour");
    else if (hours < 2 * day)
        snprintf(out, HUMAN_MAX, "%lld hours", (long long)hours);
    else if (hours < 14 * day)
        snprintf(out, HUMAN_MAX, "%lld days", (long long)(hours / day));
    else if (hours < 60 * day)
        snprintf(out, HUMAN_MAX, "%lld weeks", (long long)(hours / day / 7));
    else if (hours < 730 * day)
        snprintf(out, HUMAN_MAX, "%lld months", (long long)(hours / day / 30));
    else
        snprintf(out, HUMAN_MAX, "%lld years", (long long)(seconds / 3600 / day / 365));
    return out;
}

const char *human_ago(int64_t seconds, char out[static HUMAN_MAX])
{
    human_duration(seconds, out);
    size_t n = strlen(out);
    snprintf(out + n, HUMAN_MAX - n, " ago");
    return out;
}

void human_command(const char *command, struct buf *out)
{
    size_t len = strlen(command), at = 0;
    for (int i = 0; i < COMMAND_MAX && at < len; i++) {
        uint32_t c;
        at += template_decode(command + at, len - at, &c);
    }
    buf_add(out, command, at);
    if (at < len)
        buf_add_str(out, "...");
}
