/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as users write them. */
#include "base/when.h"

#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 1e11 /* some 3,000 years: nobody means more, and nothing overflows */

static const struct unit {
    const char *name;
    double seconds;
} units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};

/* Digits with at most one point; moves *p behind them. Unlike strtod() no sign, hexadecimal number
 * or infinity. */
static bool take_number(const char **p, double *ret)
{
    static const char digits[] = "0123456789";
    size_t n = strspn(*p, digits), m = 0;
    double whole = 0, part = 0, place = 0.1;
    for (size_t i = 0; i < n; i++)
        whole = whole * 10 + ((*p)[i] - '0');
    if ((*p)[n] == '.') {
        m = strspn(*p + n + 1, digits);
        for (size_t i = 0; i < m; i++, place /= 10)
            part += ((*p)[n + 1 + i] - '0') * place;
    }
    if (n + m == 0)
        return false;
    *p += n + m + ((*p)[n] == '.');
    *ret = whole + part;
    return true;
}

static const struct unit *take_unit(const char **p)
{
    size_t len = strspn(*p, "numsh");
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strlen(units[i].name) == len && strncmp(units[i].name, *p, len) == 0) {
            *p += len;
            return &units[i];
        }
    return NULL;
}

static bool parse_duration(const char *p, double *ret)
{
    double total = 0;
    if (!*p)
        return false;
    while (*p) {
        double n;
        if (!take_number(&p, &n))
            return false;
        const struct unit *u = take_unit(&p);
        if (!u)
            return false;
        total += n * u->seconds;
    }
    *ret = total;
    return total <= SECONDS_MAX;
}

static struct timespec from_seconds(double s)
{
    time_t whole = (time_t)s;
    if ((double)whole > s) /* before the epoch */
        whole--;
    return (struct timespec){.tv_sec = whole, .tv_nsec = (long)((s - (double)whole) * 1e9)};
}

int duration_parse(const char *text, int64_t *ret)
{
    double seconds = 0;
    if (strcmp(text, "0") != 0 && (!parse_duration(text, &seconds) || seconds > 9e9))
        return -EINVAL;
    *ret = (int64_t)(seconds * 1e9 + 0.5);
    return 0;
}

/* Dates without a zone. */
static bool parse_date(const char *text, struct timespec *ret)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H",
                                          "%Y-%m-%dZ", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, formats[i], &tm);
        if (!end || *end)
            continue;
        *ret = (struct timespec){.tv_sec = timegm(&tm)};
        return true;
    }
    return false;
}

int when_parse(const char *text, struct timespec now, struct timespec *ret, struct err *err)
{
    const char *p = text;
    double n;
    if (parse_duration(text, &n)) {
        *ret = from_seconds((double)now.tv_sec + (double)now.tv_nsec / 1e9 - n);
        return 0;
    }
    if (take_number(&p, &n) && !*p && n <= SECONDS_MAX) {
        *ret = from_seconds(n);
        return 0;
    }
    if (parse_date(text, ret) || time_parse(text, ret) == 0)
        return 0;
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "failed to parse value as time or duration: \"%.100s\"", text);
}

/* `value` as a decimal fraction of `unit`, without zeros at the end. */
static int format_part(char *out, size_t room, uint64_t value, uint64_t unit, const char *name)
{
    char part[24] = "";
    if (value % unit) {
        unsigned long long billionths = value % unit * (1000000000 / unit);
        snprintf(part, sizeof(part), ".%09llu", billionths);
        for (size_t n = strlen(part); part[n - 1] == '0'; n--)
            part[n - 1] = 0;
    }
    return snprintf(out, room, "%llu%s%s", (unsigned long long)(value / unit), part, name);
}

const char *duration_format(uint64_t nanoseconds, char out[static DURATION_MAX])
{
    const uint64_t second = 1000000000, minutes = nanoseconds / second / 60;
    if (nanoseconds == 0)
        snprintf(out, DURATION_MAX, "0s");
    else if (nanoseconds < 1000)
        format_part(out, DURATION_MAX, nanoseconds, 1, "ns");
    else if (nanoseconds < 1000000)
        format_part(out, DURATION_MAX, nanoseconds, 1000, "\302\265s");
    else if (nanoseconds < second)
        format_part(out, DURATION_MAX, nanoseconds, 1000000, "ms");
    else {
        int n = 0;
        if (minutes >= 60)
            n += snprintf(out, DURATION_MAX, "%lluh", (unsigned long long)(minutes / 60));
        if (minutes)
            n += snprintf(out + n, DURATION_MAX - (size_t)n, "%llum",
                          (unsigned long long)(minutes % 60));
        format_part(out + n, DURATION_MAX - (size_t)n, nanoseconds % (60 * second), second, "s");
    }
    return out;
}

int when_compare(struct timespec a, struct timespec b)
{
    if (a.tv_sec != b.tv_sec)
        return a.tv_sec < b.tv_sec ? -1 : 1;
    return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

bool when_is_set(struct timespec t)
{
    return t.tv_sec || t.tv_nsec;
}

int when_wait(struct timespec until)
{
    struct timespec now = time_now();
    if (!when_is_set(until))
        return -1;
    int64_t ms =
        (int64_t)(until.tv_sec - now.tv_sec) * 1000 + (until.tv_nsec - now.tv_nsec) / 1000000 + 1;
    return ms <= 0 ? 0 : ms < INT32_MAX ? (int)ms : INT32_MAX;
}

int64_t when_monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
