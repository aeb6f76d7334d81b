/* SPDX-License-Identifier: Apache-2.0 */
/* base/strv.h: vectors as argv, splitting and joining, environment lists. */
#include "base/strv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_terminated(struct strv *sv)
{
    char **argv = strv_argv(sv);
    for (size_t i = 0; i < sv->len; i++)
        assert_non_null(argv[i]);
    assert_null(argv[sv->len]);
}

static void test_argv(void **state)
{
    auto_strv sv = {0};
    check_terminated(&sv);
    for (int i = 0; i < 100; i++) {
        strv_addf(&sv, "%d", i);
        check_terminated(&sv);
    }
    assert_int_equal(sv.len, 100);
    assert_string_equal(sv.v[99], "99");
    assert_true(strv_contains(&sv, "42"));
    assert_false(strv_contains(&sv, "100"));
    strv_clear(&sv);
    check_terminated(&sv);
    assert_int_equal(sv.len, 0);
}

static void test_remove(void **state)
{
    static const struct {
        size_t index;
        const char *left;
    } rows[] = {{0, "b,c"}, {1, "a,c"}, {2, "a,b"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_strv sv = {0};
        strv_split(&sv, "a,b,c", ',');
        strv_remove(&sv, rows[i].index);
        check_terminated(&sv);
        auto_free char *joined = strv_join(&sv, ",");
        assert_string_equal(joined, rows[i].left);
    }
}

static void test_split(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        const char *joined; /* with | */
    } rows[] = {
        {"", 0, ""},   {"a", 1, "a"},       {"a:b", 2, "a|b"}, {":a", 2, "|a"},   {"a:", 2, "a|"},
        {":", 2, "|"}, {"a::b", 3, "a||b"}, {"::", 3, "||"},   {"a b", 1, "a b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_strv sv = {0};
        strv_split(&sv, rows[i].text, ':');
        check_terminated(&sv);
        assert_int_equal(sv.len, rows[i].count);
        auto_free char *joined = strv_join(&sv, "|");
        assert_string_equal(joined, rows[i].joined);
    }
}

static void test_extend(void **state)
{
    auto_strv a = {0}, b = {0};
    strv_add(&a, "1");
    strv_add(&b, "2");
    strv_extend(&a, &b);
    strv_done(&b);
    strv_extend(&a, &b);
    auto_free char *joined = strv_join(&a, "");
    assert_string_equal(joined, "12");
}

static void test_foreach(void **state)
{
    auto_strv sv = {0};
    int n = 0;
    strv_foreach (&sv, none)
        n++;
    assert_int_equal(n, 0);
    strv_split(&sv, "x y z", ' ');
    strv_foreach (&sv, s)
        assert_int_equal(*s, 'x' + n++);
    assert_int_equal(n, 3);
}

static void test_env(void **state)
{
    static const struct {
        const char *set, *name, *value;
        size_t len;
    } rows[] = {
        {"A=1", "A", "1", 3},         {"A=", "A", "", 3},          {"AB=4", "AB", "4", 3},
        {"NEW=x=y", "NEW", "x=y", 4}, {"plain", "plain", NULL, 4}, {"=odd", "", "odd", 4},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_strv sv = {0};
        strv_split(&sv, "A=0 AB=3 B=2", ' ');
        strv_env_set(&sv, rows[i].set);
        assert_int_equal(sv.len, rows[i].len);
        const char *value = strv_env_get(&sv, rows[i].name);
        if (rows[i].value)
            assert_string_equal(value, rows[i].value);
        else
            assert_null(value);
        assert_string_equal(strv_env_get(&sv, "B"), "2");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argv),   cmocka_unit_test(test_remove),  cmocka_unit_test(test_split),
        cmocka_unit_test(test_extend), cmocka_unit_test(test_foreach), cmocka_unit_test(test_env),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
