/* SPDX-License-Identifier: Apache-2.0 */
/* Where a redirect leads, and to whom credentials may go. */
#include "base/alloc.h"
#include "registry/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_resolve(void **state)
{
    static const struct {
        const char *base, *reference, *want; /* NULL: refused */
    } cases[] = {
        {"https://a/v2/x", "/y?z=1", "https://a/y?z=1"},
        {"https://a/v2/x", "y", "https://a/v2/y"},
        {"https://a/v2/x", "https://b:444/c", "https://b:444/c"},
        {"https://a/v2/x", "//b/c", "https://b/c"},
        {"https://a/v2/x", "http://b/#f", "http://b/"},
        {"https://a/v2/x", "file:///etc/passwd", NULL},
        {"https://a/v2/x", "ftp://b/", NULL},
        {"https://a/v2/x", "https://user@b/", NULL},
        {"https://a/v2/x", "https://user:pw@b/", NULL},
        {"https://a/v2/x", "https://@b/", NULL},
        {"https://a/v2/x", "https://:@b/", NULL},
        {"https://a/v2/x", "https://b/\r\nX: y", NULL},
        {"https://a/v2/x", "https:///", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *got = http_url_resolve(cases[i].base, cases[i].reference);
        if (!cases[i].want && got)
            fail_msg("%s leads to %s", cases[i].reference, got);
        if (cases[i].want)
            assert_string_equal(got ? got : "(refused)", cases[i].want);
    }
}

static void test_follow(void **state)
{
    static const struct {
        const char *from, *to;
        bool insecure;
        int want;
    } cases[] = {
        {"https://a/", "/x", false, 0},
        {"https://a/", "https://b/", false, 0},
        {"http://a/", "http://b/", false, 0},
        {"http://a/", "https://b/", false, 0},
        {"https://a/", "http://a/", true, 0},
        {"https://a/", "http://a/", false, -EACCES},
        {"HTTPS://a/", "HTTP://a/", false, -EACCES},
        {"https://a/", "file:///etc/passwd", true, -EINVAL},
        {"https://a/", "http://user@b/", true, -EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *next = NULL;
        int r = http_url_follow(cases[i].from, cases[i].to, cases[i].insecure, &next);
        if (r != cases[i].want || (r == 0) != (next != NULL))
            fail_msg("%s to %s: %d", cases[i].from, cases[i].to, r);
    }
}

static void test_origin(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"https://a/x", "https://a/y", true},
        {"https://a/", "https://a:443/", true},
        {"https://A/", "https://a/", true},
        {"http://a/", "http://a:80/", true},
        {"https://a/", "http://a/", false},
        {"https://a/", "https://b/", false},
        {"https://a/", "https://a:444/", false},
        {"https://a/", "https://a.b/", false},
        {"https://a/", "https://a@b/", false},
        {"https://a/", "nonsense", false},
        {"http://127.0.0.1:1/", "http://127.0.0.1:2/", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (http_url_same_origin(cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
}

static void test_shown(void **state)
{
    static const char *const cases[][2] = {
        {"https://a/b", "https://a/b"},
        {"https://a:1/b?token=c#d", "https://a:1/b"},
        {"https://a#b", "https://a"},
        {"http://me:secret@a/b@c?d", "http://a/b@c"},
        {"http://me:sec@ret@a?b@c", "http://a"},
        {"a/b", "a/b"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *shown = http_url_shown(cases[i][0]);
        assert_string_equal(shown, cases[i][1]);
    }
}

static void test_add(void **state)
{
    auto_free char *url = http_url_add(xstrdup("https://a/t"), "scope", "repository:x:pull,push");
    url = http_url_add(take_ptr(url), "service", "a b&c=\r\n");
    assert_null(strpbrk(url, " \r\n"));
    assert_non_null(strstr(url, "scope=repository%3ax%3apull%2cpush&service=a+b%26c%3d%0d%0a"));
    url = http_url_add(take_ptr(url), "scope", "y");
    assert_string_equal(url + strlen(url) - strlen("&scope=y"), "&scope=y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve), cmocka_unit_test(test_follow),
        cmocka_unit_test(test_origin),  cmocka_unit_test(test_shown),
        cmocka_unit_test(test_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
