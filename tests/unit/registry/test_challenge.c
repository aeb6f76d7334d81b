/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate. */
#include "base/alloc.h"
#include "base/buf.h"
#include "registry/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void add(struct buf *out, const char *name, const char *value)
{
    if (value)
        buf_printf(out, " %s=<%s>", name, value);
}

static void test_parse(void **state)
{
    static const struct {
        const char *in, *want;
        bool ok;
    } cases[] = {
        {"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:x:pull,push\"",
         "bearer realm=<https://a/t> service=<s> scope=<repository:x:pull,push>;", true},
        {"Basic realm=\"Registry Realm\"", "basic realm=<Registry Realm>;", true},
        {"bAsIc", "basic;", true},
        {"", "", true},
        {" , ,", "", true},
        {"Bearer realm=\"a\" , error = \"invalid_token\", Basic realm=b",
         "bearer realm=<a> error=<invalid_token>; basic realm=<b>;", true},
        {"Basic realm=\"b\", Bearer realm=\"a\"", "basic realm=<b>; bearer realm=<a>;", true},
        {"Negotiate abc/+==, Basic realm=\"x\"", "negotiate; basic realm=<x>;", true},
        {"Bearer realm=\"a\\\"b\\\\c\"", "bearer realm=<a\"b\\c>;", true},
        {"Bearer realm=https://a/t,service=s", "bearer realm=<https://a/t> service=<s>;", true},
        {"Bearer realm=\"a\",realm=\"b\"", "bearer realm=<a>;", true},
        {"Bearer REALM=\"a\"", "bearer realm=<a>;", true},
        {"Bearer other=\"a\"", "bearer;", true},
        {"Bearer realm=\"a", "bearer;", false},
        {"Bearer realm=\"a\", \"b\"", "bearer realm=<a>;", false},
        {"realm=\"a\"", "", false},
        {"Bearer realm=", "bearer;", true},
        {"\x01", "", false},
        {"A,B,C,D,E,F,G,H,I,J", "a; b; c; d; e; f; g; h;", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_done(challenges) struct challenges c = {0};
        auto_buf got = {0};
        bool ok = challenges_parse(cases[i].in, &c);
        for (size_t j = 0; j < c.n; j++) {
            buf_printf(&got, "%s%s", j ? " " : "", c.v[j].scheme);
            add(&got, "realm", c.v[j].realm);
            add(&got, "service", c.v[j].service);
            add(&got, "scope", c.v[j].scope);
            add(&got, "error", c.v[j].error);
            buf_add_char(&got, ';');
        }
        assert_string_equal(buf_str(&got), cases[i].want);
        assert_int_equal(ok, cases[i].ok);
    }
}

static void test_find(void **state)
{
    auto_done(challenges) struct challenges c = {0};
    assert_true(challenges_parse("Basic realm=a", &c));
    assert_true(challenges_parse("Bearer realm=b", &c));
    assert_string_equal(challenges_find(&c, "bearer")->realm, "b");
    assert_string_equal(challenges_find(&c, "basic")->realm, "a");
    assert_null(challenges_find(&c, "digest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
