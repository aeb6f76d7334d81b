/* SPDX-License-Identifier: Apache-2.0 */
/* base/when.h: moments as users write them. */
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1700000000

static void test_good(void **state)
{
    static const struct {
        const char *text;
        int64_t sec;
        long ms;
    } rows[] = {
        {"10m", NOW - 600, 0},
        {"1h30m", NOW - 5400, 0},
        {"1.5h", NOW - 5400, 0},
        {".5s", NOW - 1, 500},
        {"250ms", NOW - 1, 750},
        {"0s", NOW, 0},
        {"1600000000", 1600000000, 0},
        {"1600000000.25", 1600000000, 250},
        {"0", 0, 0},
        {"2026-11-25", 1795564800, 0},
        {"2026-11-25T07:40", 1795592400, 0},
        {"2026-11-25T07:40:01", 1795592401, 0},
        {"2026-11-25T07:40:01Z", 1795592401, 0},
        {"2026-11-25T07:40:01.5Z", 1795592401, 500},
        {"2026-11-25T08:40:01+01:00", 1795592401, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct timespec t = {0};
        struct err err = {0};
        if (when_parse(rows[i].text, (struct timespec){.tv_sec = NOW}, &t, &err) < 0)
            fail_msg("%s: %s", rows[i].text, err.message);
        if (t.tv_sec != rows[i].sec || (t.tv_nsec + 500000) / 1000000 != rows[i].ms)
            fail_msg("%s: %lld.%09ld", rows[i].text, (long long)t.tv_sec, t.tv_nsec);
    }
}

static void test_bad(void **state)
{
    static const char *const rows[] = {
        "",
        "x",
        "-1h",
        "10 m",
        "1d",
        "h",
        "1hm",
        "1e3s",
        "0x10s",
        "inf",
        "nan",
        "1h30",
        "2026-11-25 x",
        "2026-13-01",
        "99999999999999999999h",
        "99999999999999999999",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct timespec t = {.tv_sec = 7};
        struct err err = {0};
        int r = when_parse(rows[i], (struct timespec){.tv_sec = NOW}, &t, &err);
        if (r != -EINVAL || t.tv_sec != 7 || err.kind != ERR_USAGE)
            fail_msg("\"%s\": %d, %lld", rows[i], r, (long long)t.tv_sec);
    }
}

static void test_duration(void **state)
{
    static const struct {
        uint64_t nanoseconds;
        const char *text;
    } rows[] = {
        {0, "0s"},
        {7, "7ns"},
        {1500, "1.5\302\265s"},
        {20000000, "20ms"},
        {999999999, "999.999999ms"},
        {1000000000, "1s"},
        {4093797618, "4.093797618s"},
        {90500000000, "1m30.5s"},
        {60000000000, "1m0s"},
        {3723004000000, "1h2m3.004s"},
        {UINT64_C(360000000000000), "100h0m0s"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[DURATION_MAX];
        assert_string_equal(duration_format(rows[i].nanoseconds, text), rows[i].text);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"100ms", 100000000},
        {"1m30s", 90000000000},
        {"1.5h", 5400000000000},
        {"2ns", 2},
        {"0.1s", 100000000},
        {"2500000h", 9000000000000000000},
        {"2500001h", -1},
        {"", -1},
        {"1", -1},
        {"-1s", -1},
        {"1d", -1},
        {"1s ", -1},
        {"1000000000000000000000000000000000000h", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t got = -1;
        int r = duration_parse(rows[i].text, &got);
        if (got != rows[i].want || (r < 0) != (rows[i].want < 0))
            fail_msg("\"%s\": %lld, %d", rows[i].text, (long long)got, r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_durations),
                                       cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
                                       cmocka_unit_test(test_duration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
