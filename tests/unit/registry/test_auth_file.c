/* SPDX-License-Identifier: Apache-2.0 */
/* auth.json and docker's config.json. */
#include "base/alloc.h"
#include "base/base64.h"
#include "base/json.h"
#include "registry/auth_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* "user:password", "token:T", "helper:NAME:SERVER[!]", "" for nothing, "error". */
static char *find(const char *text, const char *registry, const char *repository)
{
    auto_json json_t *json = json_loads(text, 0, NULL);
    auto_done(auth_answer) struct auth_answer a = {0};
    assert_non_null(json);
    if (auth_file_find(json, registry, repository, &a, NULL) < 0)
        return xstrdup("error");
    if (a.helper)
        return xasprintf("helper:%s:%s%s", a.helper, a.server, a.helper_is_stated ? "!" : "");
    if (a.credentials.identity_token)
        return xasprintf("token:%s", a.credentials.identity_token);
    return a.credentials.user ? xasprintf("%s:%s", a.credentials.user, a.credentials.password)
                              : xstrdup("");
}

/* dTpw is "u:p", YTpi "a:b", eDp5Ono= "x:y:z". */
static void test_find(void **state)
{
    static const struct {
        const char *file, *registry, *repository, *want;
    } cases[] = {
        {"{}", "q.io", NULL, ""},
        {"{\"auths\":{\"q.io\":{\"auth\":\"dTpw\"}}}", "q.io", NULL, "u:p"},
        {"{\"auths\":{\"q.io\":{\"auth\":\"dTpw\"}}}", "q.io", "a/b", "u:p"},
        {"{\"auths\":{\"q.io\":{\"auth\":\"dTpw\"},\"q.io/a\":{\"auth\":\"YTpi\"}}}", "q.io", "a/b",
         "a:b"},
        {"{\"auths\":{\"q.io/a\":{\"auth\":\"YTpi\"}}}", "q.io", "ab", ""},
        {"{\"auths\":{\"q.io/a/b\":{\"auth\":\"YTpi\"}}}", "q.io", "a", ""},
        {"{\"auths\":{\"q.io\":{\"auth\":\"eDp5Ono=\"}}}", "q.io", NULL, "x:y:z"},
        {"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}}}", "docker.io",
         "library/x", "u:p"},
        {"{\"auths\":{\"https://q.io/v2/\":{\"auth\":\"dTpw\"}}}", "q.io", NULL, "u:p"},
        {"{\"auths\":{\"q.io:5000\":{\"auth\":\"dTpw\"}}}", "q.io", NULL, ""},
        {"{\"auths\":{\"q.io\":{\"username\":\"u\",\"password\":\"p\"}}}", "q.io", NULL, "u:p"},
        {"{\"auths\":{\"q.io\":{\"auth\":\"dTo=\",\"identitytoken\":\"T\"}}}", "q.io", NULL,
         "token:T"},
        {"{\"auths\":{\"q.io\":{}},\"credsStore\":\"store\"}", "q.io", NULL, "helper:store:q.io"},
        {"{\"credsStore\":\"store\"}", "docker.io", NULL,
         "helper:store:https://index.docker.io/v1/"},
        {"{\"auths\":{\"q.io\":{\"auth\":\"dTpw\"}},\"credsStore\":\"store\"}", "q.io", NULL,
         "u:p"},
        {"{\"auths\":{\"q.io\":{\"auth\":\"dTpw\"}},\"credHelpers\":{\"q.io\":\"h\"}}", "q.io", "a",
         "helper:h:q.io!"},
        {"{\"credHelpers\":{\"q.io\":\"../h\"}}", "q.io", NULL, "error"},
        {"{\"credHelpers\":{\"q.io\":3}}", "q.io", NULL, "error"},
        {"{\"credsStore\":\"a b\"}", "q.io", NULL, "error"},
        {"{\"auths\":{\"q.io\":{\"auth\":\"%%%\"}}}", "q.io", NULL, "error"},
        {"{\"auths\":{\"q.io\":{\"auth\":\"dXA=\"}}}", "q.io", NULL, "error"},     /* no colon */
        {"{\"auths\":{\"q.io\":{\"auth\":\"dQA6cA==\"}}}", "q.io", NULL, "error"}, /* a NUL */
        {"{\"auths\":{\"q.io\":\"x\"}}", "q.io", NULL, "error"},
        {"{\"auths\":[]}", "q.io", NULL, "error"},
        {"[]", "q.io", NULL, "error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *got = find(cases[i].file, cases[i].registry, cases[i].repository);
        assert_string_equal(got, cases[i].want);
    }
}

/* What we do not know stays, also in other entries. */
static void test_change(void **state)
{
    struct credentials c = {.user = (char *)"u", .password = (char *)"p"};
    auto_json json_t *json =
        json_loads("{\"HttpHeaders\":{\"a\":\"b\"},\"auths\":{\"r.io\":{\"x\":1},"
                   "\"https://q.io\":{\"auth\":\"YTpi\"}}}",
                   0, NULL);
    auth_file_put(json, "q.io", &c);
    auto_free char *after = json_text(json);
    assert_string_equal(after,
                        "{\"HttpHeaders\":{\"a\":\"b\"},\"auths\":{\"q.io\":{\"auth\":\"dTpw\"},"
                        "\"r.io\":{\"x\":1}}}");
    assert_true(auth_file_remove(json, "q.io"));
    assert_false(auth_file_remove(json, "q.io"));
    auto_free char *gone = json_text(json);
    assert_string_equal(gone, "{\"HttpHeaders\":{\"a\":\"b\"},\"auths\":{\"r.io\":{\"x\":1}}}");
}

static void test_base64(void **state)
{
    static const struct {
        const char *text, *bytes; /* NULL: no base64 */
    } cases[] = {
        {"", ""},        {"Zg==", "f"},   {"Zm8=", "fo"},
        {"Zm9v", "foo"}, {"Zm8", "fo"},   {"Zm\n9v\n", "foo"},
        {"Z", NULL},     {"Zg==x", NULL}, {"Z-==", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf out = {0};
        int r = base64_decode(cases[i].text, &out);
        assert_int_equal(r, cases[i].bytes ? 0 : -EINVAL);
        if (cases[i].bytes)
            assert_string_equal(buf_str(&out), cases[i].bytes);
    }
    for (size_t n = 0; n < 300; n++) {
        unsigned char bytes[300];
        auto_buf out = {0};
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(i * 167 + n);
        auto_free char *text = base64_encode(bytes, n);
        assert_int_equal(base64_decode(text, &out), 0);
        assert_int_equal(out.len, n);
        if (n)
            assert_memory_equal(out.data, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
