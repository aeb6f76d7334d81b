/* SPDX-License-Identifier: Apache-2.0 */
/* Ignore files: dockerignore.tsv is the file, a path, in|out|bad, and whether a directory of that
 * name can be left out whole: prune|walk. */
#include "cases.h"

#include "base/alloc.h"
#include "builder/dockerignore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_table(void **state)
{
    struct strv *rows;
    size_t n = rows_read("dockerignore.tsv", 4, &rows);
    int bad = 0;
    assert_true(n >= 60);
    for (size_t i = 0; i < n; i++) {
        auto_done(ignore_list) struct ignore_list l = {0};
        const char *text = rows[i].v[0], *path = rows[i].v[1];
        struct err err;
        int r = ignore_parse(".dockerignore", text, strlen(text), &l, &err);
        auto_free char *name = xasprintf("%s on %s", text, path);
        bad += differs(name, r < 0 ? "bad" : ignore_match(&l, path) ? "out" : "in", rows[i].v[2]);
        if (r == 0)
            bad += differs(name, ignore_prune(&l, path) ? "prune" : "walk", rows[i].v[3]);
    }
    rows_free(rows, n);
    assert_int_equal(bad, 0);
}

static void test_errors(void **state)
{
    struct ignore_list l = {0};
    struct err err;
    assert_int_equal(ignore_parse("f", "a\n!\n", 4, &l, &err), -EINVAL);
    assert_string_equal(err.message, "f:2: illegal exclusion pattern: \"!\"");
    assert_int_equal(ignore_parse("f", "\n\na[", 4, &l, &err), -EINVAL);
    assert_string_equal(err.message, "f:3: syntax error in pattern: a[");
    assert_int_equal(ignore_parse("f",
                                  "\xef\xbb\xbf"
                                  "a",
                                  4, &l, &err),
                     0);
    assert_true(ignore_match(&l, "a"));
    ignore_list_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
