/* SPDX-License-Identifier: Apache-2.0 */
/* Go's filepath.Match: glob.tsv is pattern, name, yes|no|bad. */
#include "cases.h"

#include "base/alloc.h"
#include "builder/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_table(void **state)
{
    struct strv *rows;
    size_t n = rows_read("glob.tsv", 3, &rows);
    int bad = 0;
    assert_true(n >= 40);
    for (size_t i = 0; i < n; i++) {
        bool yes = false;
        struct err err;
        int r = glob_match(rows[i].v[0], rows[i].v[1], &yes, &err);
        auto_free char *name = xasprintf("%s on %s", rows[i].v[0], rows[i].v[1]);
        bad += differs(name, r < 0 ? "bad" : yes ? "yes" : "no", rows[i].v[2]);
    }
    rows_free(rows, n);
    assert_int_equal(bad, 0);
    assert_true(glob_has_magic("a*") && glob_has_magic("[a]") && glob_has_magic("a\\b"));
    assert_false(glob_has_magic("a/b.c]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
