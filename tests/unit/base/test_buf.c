/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.h: growth, the NUL that is always there, cutting at both ends. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_invariants(const struct buf *b)
{
    assert_non_null(b->data);
    assert_true(b->len < b->cap);
    assert_int_equal(b->data[b->len], 0);
}

static void test_empty(void **state)
{
    auto_buf b = {0};
    assert_string_equal(buf_str(&b), "");
    buf_truncate(&b, 0);
    buf_consume(&b, 5);
    assert_int_equal(b.len, 0);
    char *s = buf_take(&b);
    assert_string_equal(s, "");
    free(s);
}

static void test_growth(void **state)
{
    auto_buf b = {0};
    for (int i = 0; i < 5000; i++) {
        buf_add_char(&b, (char)('a' + i % 26));
        check_invariants(&b);
    }
    assert_int_equal(b.len, 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
}

static void test_bytes(void **state)
{
    auto_buf b = {0};
    buf_add(&b, "a\0b", 3);
    buf_add(&b, NULL, 0);
    check_invariants(&b);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
}

/* Lengths around the sizes at which the buffer grows. */
static void test_printf(void **state)
{
    static const int lengths[] = {0, 1, 62, 63, 64, 65, 127, 128, 129, 1000, 70000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        auto_buf b = {0};
        buf_add_str(&b, "<");
        buf_printf(&b, "%*s", lengths[i], "");
        buf_printf(&b, "%s%d", ">", 7);
        check_invariants(&b);
        assert_int_equal(b.len, lengths[i] + 3);
        assert_string_equal(b.data + lengths[i] + 1, ">7");
    }
}

static void test_cutting(void **state)
{
    static const struct {
        size_t consume, truncate;
        const char *left;
    } rows[] = {
        {0, 99, "0123456789"}, {1, 99, "123456789"}, {9, 99, "9"}, {10, 99, ""},
        {11, 99, ""},          {0, 0, ""},           {3, 2, "34"}, {0, 10, "0123456789"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_buf b = {0};
        buf_add_str(&b, "0123456789");
        buf_consume(&b, rows[i].consume);
        buf_truncate(&b, rows[i].truncate);
        check_invariants(&b);
        assert_string_equal(buf_str(&b), rows[i].left);
        assert_int_equal(b.len, strlen(rows[i].left));
    }
}

static void test_take(void **state)
{
    auto_buf b = {0};
    buf_add_str(&b, "mine");
    char *s = buf_take(&b);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    buf_add_str(&b, "other");
    assert_string_equal(s, "mine");
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),  cmocka_unit_test(test_growth),  cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_printf), cmocka_unit_test(test_cutting), cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
