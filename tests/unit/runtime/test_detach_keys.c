/* SPDX-License-Identifier: Apache-2.0 */
/* Detach keys: the specification and the typed stream. */
#include "runtime/detach_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static void parses(void **state)
{
    static const struct {
        const char *spec, *keys; /* NULL: an error */
    } rows[] = {
        {"", ""},
        {"ctrl-p,ctrl-q", "\020\021"},
        {"a", "a"},
        {"ctrl-@", NULL},
        {"ctrl-[", "\033"},
        {"a,b,c", "abc"},
        {"ctrl-\\", "\034"},
        {",", NULL},
        {"a,", NULL},
        {",a", NULL},
        {"a,,b", NULL},
        {"ctrl-", NULL},
        {"ctrl-P", NULL},
        {"ctrl-1", NULL},
        {"ab", NULL},
        {"ctrl-pp", NULL},
        {"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct detach_keys k = {0};
        int r = detach_keys_parse(rows[i].spec, &k, NULL);
        if (strcmp(rows[i].spec, "ctrl-@") == 0) { /* NUL is a key, but no C string */
            assert_int_equal(r, 0);
            assert_int_equal(k.n, 1);
            continue;
        }
        if ((r == 0) != (rows[i].keys != NULL))
            fail_msg("\"%s\": %d", rows[i].spec, r);
        if (r == 0) {
            assert_int_equal(k.n, strlen(rows[i].keys));
            assert_memory_equal(k.keys, rows[i].keys, k.n);
        }
    }
}

/* Each row is fed in pieces of every size: the result must not depend on it. */
static void feeds(void **state)
{
    static const struct {
        const char *spec, *typed, *passed;
        bool detached;
    } rows[] = {
        {"a,b", "xaby", "x", true},          {"a,b", "xacb", "xacb", false},
        {"a,b", "aab", "a", true},           {"a,a,b", "aaab", "a", true},
        {"a,b,a,c", "ababac", "ab", true},   {"a,b", "xa", "x", false},
        {"", "anything", "anything", false}, {"a", "a", "", true},
        {"a,b,c", "ababx", "ababx", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        for (size_t piece = 1; piece <= 8; piece++) {
            struct detach_keys k;
            auto_buf out = {0};
            bool done = false;
            const char *p = rows[i].typed;
            assert_int_equal(detach_keys_parse(rows[i].spec, &k, NULL), 0);
            while (*p && !done) {
                size_t n = strnlen(p, piece);
                done = detach_keys_feed(&k, p, n, &out);
                p += n;
            }
            assert_int_equal(done, rows[i].detached);
            assert_string_equal(buf_str(&out), rows[i].passed);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(feeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
