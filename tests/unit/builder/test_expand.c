/* SPDX-License-Identifier: Apache-2.0 */
/* Expansion: expand.tsv is mode, text, result. */
#include "cases.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "builder/expand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const env[] = {
    "A=hello",
    "B=foo bar",
    "EMPTY=",
    "PATH=/usr/bin:/bin",
    "F=dir/sub/a.tar.gz",
    "N=1",
    "STAR=a*b*c",
    "Q=it's \"q\"",
    "U=\xc3\xa9t\xc3\xa9",
    "X_1=under",
    "NAME=A",
    "SPACES=  two  words ",
};

/* Modes: word; words (joined by '|'); heredoc; tick (escape is `); lenient; unset (the names). */
static char *run(const char *mode, const char *text)
{
    struct strv vars = {0}, words = {0}, unset = {0};
    for (size_t i = 0; i < sizeof(env) / sizeof(env[0]); i++)
        strv_add(&vars, env[i]);
    struct expand x = {.escape = '\\', .env = &vars, .unset = &unset};
    struct err err = {0};
    char *out = NULL;
    int r;
    if (strcmp(mode, "tick") == 0)
        x.escape = '`';
    if (strcmp(mode, "heredoc") == 0)
        x.flags = EXPAND_NO_QUOTES;
    if (strcmp(mode, "lenient") == 0)
        x.flags = EXPAND_LENIENT;
    if (strcmp(mode, "words") == 0) {
        r = expand_words(&x, text, &words, &err);
        out = strv_join(&words, "|");
    } else {
        r = expand_word(&x, text, &out, &err);
    }
    if (r < 0) {
        free(out);
        out = xasprintf("error: %s", err.message);
    } else if (strcmp(mode, "unset") == 0) {
        free(out);
        out = strv_join(&unset, " ");
    }
    strv_done(&vars);
    strv_done(&words);
    strv_done(&unset);
    return out;
}

static void test_table(void **state)
{
    struct strv *rows;
    size_t n = rows_read("expand.tsv", 3, &rows);
    int bad = 0;
    assert_true(n >= 100);
    for (size_t i = 0; i < n; i++) {
        auto_free char *got = run(rows[i].v[0], rows[i].v[1]);
        auto_free char *name = xasprintf("%s: %s", rows[i].v[0], rows[i].v[1]);
        bad += differs(name, got, rows[i].v[2]);
    }
    rows_free(rows, n);
    assert_int_equal(bad, 0);
}

/* Limits that a file cannot show well. */
static void test_limits(void **state)
{
    struct err err = {0};
    char *out = NULL;
    struct buf deep = {0};
    for (int i = 0; i < 1000; i++)
        buf_add_str(&deep, "${Z:-");
    for (int i = 0; i < 1000; i++)
        buf_add_str(&deep, "}");
    struct expand x = {.escape = '\\'};
    assert_int_equal(expand_word(&x, buf_str(&deep), &out, &err), -E2BIG);
    buf_done(&deep);

    auto_strv vars = {0};
    auto_free char *big = xcalloc(600 * 1024, 1);
    memcpy(big, "V=", 2);
    memset(big + 2, 'x', 600 * 1024 - 3);
    strv_add(&vars, big);
    x.env = &vars;
    assert_int_equal(expand_word(&x, "$V$V", &out, &err), -E2BIG);
    assert_int_equal(expand_word(&x, "${V//x/yy}", &out, &err), -E2BIG);
    assert_int_equal(expand_word(&x, "${V%%*x}", &out, &err), 0);
    assert_string_equal(out, "");
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
