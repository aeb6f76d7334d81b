/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/subuid lines to ranges. */
#include "runtime/idmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    int result;
    const char *ranges; /* "inside:outside:count " each, after the own id 1000 */
} rows[] = {
    {"", 0, ""},
    {"alice:100000:65536\n", 0, "1:100000:65536 "},
    {"alice:100000:65536", 0, "1:100000:65536 "},
    {"bob:100000:65536\nalice:200000:10\n", 0, "1:200000:10 "},
    {"alicex:100000:65536\nali:1:2\n", 0, ""},
    {"1000:300000:5\n", 0, "1:300000:5 "},
    {"10000:300000:5\n100:300000:5\n", 0, ""},
    {"alice:100000:10\nalice:200000:20\n1000:300000:30\n", 0,
     "1:100000:10 11:200000:20 31:300000:30 "},
    {"alice:100000:10\n1000:100000:10\n", 0, "1:100000:10 "},
    {"alice:100000:10\nalice:100009:10\n", -EINVAL, ""},
    {"alice:100000:10\nalice:99990:11\n", -EINVAL, ""},
    {"alice:900:200\n", -EINVAL, ""}, /* reaches over the own id */
    {"alice:4294967290:5\n", 0, "1:4294967290:5 "},
    {"alice:4294967290:6\n", -ERANGE, ""},
    {"alice:4294967296:6\n", 0, ""},
    {"alice:100000:99999999999\n", 0, ""},
    {"alice:1:4294967295\n", -EINVAL, ""},
    {"alice:100000:0\n", 0, ""},
    {"alice:100000\nalice:x:5\nalice:5:x\nalice::5\nalice\n:::\nalice:-5:5\n", 0, ""},
    {"alice:100000:10:7\n# alice:1:2\n", 0, ""},
    {"alice:2000:1\nalice:3000:1\nalice:4000:1\nalice:5000:1\nalice:6000:1\nalice:7000:1\n"
     "alice:8000:1\n",
     0, "1:2000:1 2:3000:1 3:4000:1 4:5000:1 5:6000:1 6:7000:1 7:8000:1 "},
    {"alice:2000:1\nalice:3000:1\nalice:4000:1\nalice:5000:1\nalice:6000:1\nalice:7000:1\n"
     "alice:8000:1\nalice:9000:1\n",
     -E2BIG, ""},
};

static void parses(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct id_range r[8] = {{0, 1000, 1}};
        size_t n = 1;
        char got[512] = "";
        struct err err = {0};
        int code = id_ranges_parse(rows[i].text, "/etc/subuid", "alice", 1000, r, 8, &n, &err);
        if (code != rows[i].result)
            fail_msg("row %zu: %d, not %d", i, code, rows[i].result);
        if (code < 0) {
            assert_non_null(strstr(err.message, "/etc/subuid"));
            continue;
        }
        for (size_t k = 1; k < n; k++)
            sprintf(got + strlen(got), "%u:%u:%u ", r[k].inside, r[k].outside, r[k].count);
        assert_string_equal(got, rows[i].ranges);
    }
}

static void looks_up(void **state)
{
    const struct id_range r[] = {{0, 1000, 1}, {1, 100000, 10}, {11, 300000, 5}};
    assert_int_equal(id_map_outside(r, 3, 0), 1000);
    assert_int_equal(id_map_outside(r, 3, 1), 100000);
    assert_int_equal(id_map_outside(r, 3, 10), 100009);
    assert_int_equal(id_map_outside(r, 3, 15), 300004);
    assert_int_equal(id_map_outside(r, 3, 16), -1);
    assert_int_equal(id_map_outside(r, 3, UINT32_MAX), -1);
    assert_int_equal(id_map_outside(r, 1, 1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(looks_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
