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

/* Two subordinate ranges, as sites with several lines a user have. */
static const struct id_maps base = {
    .uids = {{0, 1000, 1}, {1, 100000, 10}, {11, 200000, 90}},
    .gids = {{0, 1000, 1}, {1, 100000, 10}, {11, 200000, 90}},
    .n_uids = 3,
    .n_gids = 3,
};

static const char *text(const struct id_range *r, size_t n)
{
    static char out[512];
    *out = 0;
    for (size_t i = 0; i < n; i++)
        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%u:%u:%u ", r[i].inside,
                 r[i].outside, r[i].count);
    return out;
}

static const struct {
    const char *lines;
    int result;
    const char *want;
} listed_rows[] = {
    {"0:0:1", 0, "0:1000:1 "},
    {"0:0:101", 0, "0:1000:1 1:100000:10 11:200000:90 "},
    {"5:0", 0, "5:1000:1 "},
    {"0:1:20 1000:0:1", 0, "0:100000:10 10:200000:10 1000:1000:1 "},
    {"0:9:3", 0, "0:100008:2 2:200000:1 "},
    {"7:100:1", 0, "7:200089:1 "},
    {"0:0:102", -ERANGE, ""},
    {"0:101:1", -ERANGE, ""},
    {"0:0:5 4:10:5", -EINVAL, ""}, /* twice inside */
    {"0:0:5 10:4:5", -EINVAL, ""}, /* twice outside */
    {"0:0:0", -ERANGE, ""},
    {"4294967295:0:1", -ERANGE, ""},
    {"4294967294:0:2", -ERANGE, ""},
    {"4294967296:0:1", -EINVAL, ""},
    {"0", -EINVAL, ""},
    {"0:0:1:1", -EINVAL, ""},
    {"0:0:", -EINVAL, ""},
    {":0:1", -EINVAL, ""},
    {"-1:0:1", -EINVAL, ""},
    {"@0:0:1", -EINVAL, ""},
    {"a:b:c", -EINVAL, ""},
};

static void listed(void **state)
{
    for (size_t i = 0; i < sizeof(listed_rows) / sizeof(*listed_rows); i++) {
        auto_strv lines = {0}, none = {0};
        struct id_maps got = {0};
        strv_split(&lines, listed_rows[i].lines, ' ');
        int code = id_maps_listed(&base, &lines, &none, &got, NULL);
        if (code != listed_rows[i].result)
            fail_msg("%s: %d", listed_rows[i].lines, code);
        assert_string_equal(text(got.uids, got.n_uids), listed_rows[i].want);
        assert_string_equal(text(got.gids, got.n_gids), listed_rows[i].want);
        /* The other way round: --gidmap alone. */
        assert_int_equal(id_maps_listed(&base, &none, &lines, &got, NULL), code);
    }
}

static void keep_id(void **state)
{
    static const struct {
        uint32_t own;
        const char *want;
    } rows2[] = {
        {0, "0:1000:1 1:100000:10 11:200000:90 "},
        {5, "0:100000:5 5:1000:1 6:100005:5 11:200000:90 "},
        {100, "0:100000:10 10:200000:90 100:1000:1 "},
        {1000, "0:100000:10 10:200000:90 1000:1000:1 "},
        {2147483647, "0:100000:10 10:200000:90 2147483647:1000:1 "},
    };
    for (size_t i = 0; i < sizeof(rows2) / sizeof(*rows2); i++) {
        struct id_maps got = {0};
        assert_int_equal(id_maps_keep(&base, rows2[i].own, 0, &got, NULL), 0);
        assert_string_equal(text(got.uids, got.n_uids), rows2[i].want);
        assert_string_equal(text(got.gids, got.n_gids), rows2[0].want);
    }
    const struct id_maps one = {
        .single = true, .uids = {{0, 1000, 1}}, .gids = {{0, 1000, 1}}, .n_uids = 1, .n_gids = 1};
    struct id_maps got = {0};
    assert_int_equal(id_maps_keep(&one, 1000, 1000, &got, NULL), 0);
    assert_true(got.single);
    assert_string_equal(text(got.uids, got.n_uids), "1000:1000:1 ");
    struct err err = {0};
    assert_int_equal(id_maps_without_user(&one, &got, &err), -EINVAL);
    assert_non_null(strstr(err.message, "subordinate ids"));
    assert_int_equal(id_maps_without_user(&base, &got, NULL), 0);
    assert_string_equal(text(got.uids, got.n_uids), "0:100000:10 10:200000:90 ");
    assert_int_equal(id_map_owner(one.uids, 1), 0);
    assert_int_equal(id_map_owner(&(struct id_range){7, 1, 1}, 1), 7);
}

static void free_ranges(void **state)
{
    const struct id_range used[] = {{0, 11, 10}, {0, 1, 5}, {0, 40, 1}};
    static const struct {
        uint32_t size;
        uint64_t limit;
        uint32_t want; /* 0: none */
    } rows3[] = {{5, 101, 6},  {6, 101, 21}, {19, 101, 21}, {20, 101, 41}, {60, 101, 41},
                 {61, 101, 0}, {1, 6, 0},    {5, 11, 6},    {5, 10, 0}};
    uint32_t got;
    for (size_t i = 0; i < sizeof(rows3) / sizeof(*rows3); i++) {
        got = 0;
        bool found = id_ranges_free(used, 3, rows3[i].limit, rows3[i].size, &got);
        if (found != (rows3[i].want != 0) || got != rows3[i].want)
            fail_msg("%u of %u: %u", rows3[i].size, (unsigned)rows3[i].limit, got);
    }
    assert_true(id_ranges_free(NULL, 0, 11, 10, &got));
    assert_int_equal(got, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(looks_up),
                                       cmocka_unit_test(listed), cmocka_unit_test(keep_id),
                                       cmocka_unit_test(free_ranges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
