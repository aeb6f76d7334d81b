/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: from TOML to the places that are asked. */
#include "base/alloc.h"
#include "base/json.h"
#include "spec/registries.h"
#include "spec/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int merge(struct registries *r, const char *toml, struct err *err)
{
    auto_json json_t *json = NULL;
    int q = toml_parse(toml, strlen(toml), &json, err);
    return q < 0 ? q : registries_merge(r, json, err);
}

static void load(struct registries *r, const char *const *files, size_t n)
{
    registries_init(r);
    for (size_t i = 0; i < n && files[i]; i++) {
        struct err err = {0};
        if (merge(r, files[i], &err) < 0)
            fail_msg("%s: %s", files[i], err.message);
    }
}

/* "a b" on success, "error" otherwise. */
static char *resolve(const struct registries *r, const char *name)
{
    auto_strv all = {0};
    if (registries_resolve(r, name, &all, NULL) < 0)
        return xstrdup("error");
    return strv_join(&all, " ");
}

static char *places(const struct registries *r, const char *name)
{
    auto_done(image_ref) struct image_ref ref = {0};
    auto_done(registry_endpoints) struct registry_endpoints e = {0};
    auto_strv all = {0};
    struct err err = {0};
    assert_int_equal(image_ref_parse(name, &ref, NULL), 0);
    if (registries_endpoints(r, &ref, &e, &err) < 0)
        return xstrdup(strstr(err.message, "blocked") ? "blocked" : "error");
    for (size_t i = 0; i < e.n; i++)
        strv_addf(&all, "%s|%s%s", e.v[i].registry, e.v[i].repository,
                  e.v[i].insecure ? "|insecure" : "");
    return strv_join(&all, " ");
}

static void test_short_names(void **state)
{
    static const struct {
        const char *files[3], *name, *want;
    } cases[] = {
        {{NULL}, "centos", "docker.io/library/centos:latest"},
        {{NULL}, "a/b:1", "docker.io/a/b:1"},
        {{NULL}, "q.io/a", "q.io/a:latest"},
        {{"unqualified-search-registries = ['q.io', 'docker.io']"},
         "centos:8",
         "q.io/centos:8 docker.io/library/centos:8"},
        {{"unqualified-search-registries = ['q.io', 'docker.io']",
          "unqualified-search-registries = ['r.io:5000']"},
         "centos@sha256:" HEX,
         "r.io:5000/centos@sha256:" HEX},
        {{"unqualified-search-registries = []"}, "centos", "error"},
        {{"unqualified-search-registries = []"},
         "docker.io/centos",
         "docker.io/library/centos:latest"},
        {{"[aliases]\ncentos = 'q.io/centos/centos'"}, "centos:7", "q.io/centos/centos:7"},
        {{"[aliases]\ncentos = 'q.io/centos/centos'", "[aliases]\ncentos = ''"},
         "centos",
         "docker.io/library/centos:latest"},
        {{"[aliases]\n'a/b' = 'q.io/c'\n", "[aliases]\nx = 'q.io/x'"},
         "a/b@sha256:" HEX,
         "q.io/c@sha256:" HEX},
        {{"short-name-mode = 'enforcing'\nunqualified-search-registries = ['a.io', 'b.io']"},
         "x",
         "error"},
        {{"short-name-mode = 'enforcing'\nunqualified-search-registries = ['a.io']"},
         "x",
         "a.io/x:latest"},
        {{"short-name-mode = 'disabled'\nunqualified-search-registries = ['a.io', 'b.io']"},
         "x",
         "a.io/x:latest b.io/x:latest"},
        {{NULL}, "Bad", "error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_done(registries) struct registries r;
        load(&r, cases[i].files, 3);
        auto_free char *got = resolve(&r, cases[i].name);
        assert_string_equal(got, cases[i].want);
    }
}

static void test_places(void **state)
{
    static const char *const files[] = {
        "[[registry]]\nprefix = 'docker.io'\nlocation = 'mirror.local/hub'\n"
        "[[registry.mirror]]\nlocation = '127.0.0.1:5000/m'\ninsecure = true\n"
        "[[registry.mirror]]\nlocation = 'd.io'\npull-from-mirror = 'digest-only'\n"
        "[[registry.mirror]]\nlocation = 't.io/x'\npull-from-mirror = 'tag-only'\n"
        "[[registry]]\nlocation = 'docker.io/bad'\nblocked = true\n"
        "[[registry]]\nprefix = '*.example.com'\ninsecure = true\n"
        "[[registry]]\nprefix = '*.a.example.com'\nlocation = 'other.io/y'\n"
        "[[registry]]\nprefix = 'docker.io/library/one:1'\nlocation = 'one.io/z'\n"
        "[[registry]]\nlocation = 'twice.io'\ninsecure = true\n",
        "[[registry]]\nlocation = 'twice.io'\n"
        "[[registry.mirror]]\nlocation = 'm.io'\n"
        "[[registry]]\nlocation = 'by.io'\nmirror-by-digest-only = true\n"
        "[[registry.mirror]]\nlocation = 'm.io'\n",
    };
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"plain.io/a/b", "plain.io|a/b"},
        {"centos", "127.0.0.1:5000|m/library/centos|insecure t.io|x/library/centos "
                   "mirror.local|hub/library/centos"},
        {"x/y@sha256:" HEX, "127.0.0.1:5000|m/x/y|insecure d.io|x/y mirror.local|hub/x/y"},
        {"bad", "127.0.0.1:5000|m/library/bad|insecure t.io|x/library/bad "
                "mirror.local|hub/library/bad"},
        {"bad/x", "blocked"},
        {"badly/x", "127.0.0.1:5000|m/badly/x|insecure t.io|x/badly/x mirror.local|hub/badly/x"},
        {"b.example.com:80/q", "b.example.com:80|q|insecure"},
        {"example.com/q", "example.com|q"},
        {"nexample.com/q", "nexample.com|q"},
        {"b.a.example.com/q", "other.io|y/q"},
        {"one:1", "one.io|z"},
        {"twice.io/a", "m.io|a twice.io|a"},
        {"by.io/a", "by.io|a"},
        {"by.io/a@sha256:" HEX, "m.io|a by.io|a"},
    };
    auto_done(registries) struct registries r;
    load(&r, files, 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *got = places(&r, cases[i].name);
        assert_string_equal(got, cases[i].want);
    }
}

static void test_bad(void **state)
{
    static const char *const cases[] = {
        "unqualified-search-registries = 'docker.io'",
        "unqualified-search-registries = ['https://docker.io']",
        "unqualified-search-registries = ['']",
        "short-name-mode = 'sometimes'",
        "[aliases]\nx = 3",
        "[aliases]\nx = 'y'",
        "[aliases]\nx = 'q.io/y:1'",
        "[aliases]\n'q.io/x' = 'q.io/y'",
        "[aliases]\n'x:1' = 'q.io/y'",
        "[[registry]]\ninsecure = true",
        "[[registry]]\nlocation = 'http://a.io'",
        "[[registry]]\nlocation = 'a.io/'",
        "[[registry]]\nlocation = 'a.io/x y'",
        "[[registry]]\nlocation = 'a.io'\ninsecure = 'yes'",
        "[[registry]]\nprefix = '*.a.io/x'",
        "[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\ninsecure = true",
        "[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\nlocation = 'b'\npull-from-mirror = "
        "'x'",
        "[[registry]]\nlocation = 'a.io'\nmirror-by-digest-only = true\n"
        "[[registry.mirror]]\nlocation = 'b'\npull-from-mirror = 'all'",
        "[registries.search]\nregistries = ['docker.io']",
        "a = ",
        "a = 'b",
        "\xff = 1",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_done(registries) struct registries r;
        struct err err = {0};
        registries_init(&r);
        if (merge(&r, cases[i], &err) == 0)
            fail_msg("taken: %s", cases[i]);
        assert_true(strlen(err.message) > 10);
    }
}

static void test_toml(void **state)
{
    static const char text[] = "a = 1\nb = [1.5, true, \"x\\u00e9\"]\n[c.d]\ne = 2026-11-25\n"
                               "f = 07:30:00\n[[g]]\nh = {i = 'j'}\n";
    auto_json json_t *json = NULL;
    assert_int_equal(toml_parse(text, strlen(text), &json, NULL), 0);
    auto_free char *got = json_text(json);
    assert_string_equal(got, "{\"a\":1,\"b\":[1.5,true,\"x\xc3\xa9\"],\"c\":{\"d\":{\"e\":"
                             "\"2026-11-25\",\"f\":\"07:30:00\"}},\"g\":[{\"h\":{\"i\":\"j\"}}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_names),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_toml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
