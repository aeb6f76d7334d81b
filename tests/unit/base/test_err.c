/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.h: messages, wrapping, and the error that nobody wants to read. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_set(void **state)
{
    struct err e = {0};
    assert_int_equal(err_set(&e, -EINVAL, "bad %s %d", "thing", 3), -EINVAL);
    assert_int_equal(e.code, -EINVAL);
    assert_int_equal(e.kind, ERR_OTHER);
    assert_string_equal(e.message, "bad thing 3");

    assert_int_equal(err_errno(&e, -ENOENT, "open %s", "x"), -ENOENT);
    assert_string_equal(e.message, "open x: No such file or directory");

    assert_int_equal(err_kind(&e, ERR_IN_USE, -EBUSY, "busy"), -EBUSY);
    assert_int_equal(e.kind, ERR_IN_USE);
    assert_int_equal(e.code, -EBUSY);

    err_clear(&e);
    assert_int_equal(e.code, 0);
    assert_string_equal(e.message, "");
}

static void test_null(void **state)
{
    assert_int_equal(err_set(NULL, -EINVAL, "x"), -EINVAL);
    assert_int_equal(err_errno(NULL, -ENOENT, "x"), -ENOENT);
    assert_int_equal(err_kind(NULL, ERR_USAGE, -EPERM, "x"), -EPERM);
    assert_true(err_wrap(NULL, "x") < 0);
    err_clear(NULL);
}

static void test_wrap(void **state)
{
    struct err e = {0};
    err_kind(&e, ERR_NOT_FOUND, -ENOENT, "no such image");
    assert_int_equal(err_wrap(&e, "pull %s", "a"), -ENOENT);
    assert_int_equal(err_wrap(&e, "run"), -ENOENT);
    assert_string_equal(e.message, "run: pull a: no such image");
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* The message may be an argument of its own replacement. */
static void test_own_message(void **state)
{
    struct err e = {0};
    err_set(&e, -EIO, "inner");
    err_set(&e, -EPERM, "outer(%s)", e.message);
    assert_string_equal(e.message, "outer(inner)");
    err_wrap(&e, "<%s>", e.message);
    assert_string_equal(e.message, "<outer(inner)>: outer(inner)");
}

static void test_long(void **state)
{
    struct err e = {0};
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    err_set(&e, -EIO, "%s", text);
    assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
    err_errno(&e, -EIO, "%s", text);
    assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
    /* The context in front survives, the end is cut. */
    err_wrap(&e, "context");
    assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
    assert_memory_equal(e.message, "context: xxx", 12);
    err_wrap(&e, "%s", text);
    assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),  cmocka_unit_test(test_null),
        cmocka_unit_test(test_wrap), cmocka_unit_test(test_own_message),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
