/* SPDX-License-Identifier: Apache-2.0 */
/* Image references and digests. */
#include "base/alloc.h"
#include "spec/digest.h"
#include "spec/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define T32 "abcdefghijklmnopqrstuvwxyz012345"

static void test_good(void **state)
{
    static const struct {
        const char *in, *registry, *repository, *tag, *digest;
        bool short_name;
        const char *full;
    } cases[] = {
        {"hello", "docker.io", "library/hello", "latest", NULL, true,
         "docker.io/library/hello:latest"},
        {"hello:1.0", "docker.io", "library/hello", "1.0", NULL, true,
         "docker.io/library/hello:1.0"},
        {"javaedge/vim", "docker.io", "javaedge/vim", "latest", NULL, true,
         "docker.io/javaedge/vim:latest"},
        {"docker.io/hello", "docker.io", "library/hello", "latest", NULL, false,
         "docker.io/library/hello:latest"},
        {"index.docker.io/hello", "docker.io", "library/hello", "latest", NULL, false,
         "docker.io/library/hello:latest"},
        {"localhost/x", "localhost", "x", "latest", NULL, false, "localhost/x:latest"},
        {"localhost:5000", "docker.io", "library/localhost", "5000", NULL, true,
         "docker.io/library/localhost:5000"},
        {"localhost:5000/x", "localhost:5000", "x", "latest", NULL, false,
         "localhost:5000/x:latest"},
        {"host:5000/a/b:v_1", "host:5000", "a/b", "v_1", NULL, false, "host:5000/a/b:v_1"},
        {"Registry.Example.COM/a", "Registry.Example.COM", "a", "latest", NULL, false,
         "Registry.Example.COM/a:latest"},
        {"Foo/bar", "Foo", "bar", "latest", NULL, false, "Foo/bar:latest"},
        {"127.0.0.1/x:t", "127.0.0.1", "x", "t", NULL, false, "127.0.0.1/x:t"},
        {"[::1]:5000/x", "[::1]:5000", "x", "latest", NULL, false, "[::1]:5000/x:latest"},
        {"[fe80::1.2.3.4]/x", "[fe80::1.2.3.4]", "x", "latest", NULL, false,
         "[fe80::1.2.3.4]/x:latest"},
        {"e_f/a__b.c-----d", "docker.io", "e_f/a__b.c-----d", "latest", NULL, true, NULL},
        {"hello@sha256:" HEX, "docker.io", "library/hello", NULL, "sha256:" HEX, true,
         "docker.io/library/hello@sha256:" HEX},
        {"q.io/a/b:t@sha256:" HEX, "q.io", "a/b", "t", "sha256:" HEX, false,
         "q.io/a/b:t@sha256:" HEX},
        {"a:" T32 T32 T32 T32, "docker.io", "library/a", T32 T32 T32 T32, NULL, true, NULL},
        {"a:_x-.y", "docker.io", "library/a", "_x-.y", NULL, true, NULL},
        {"x/" HEX, "docker.io", "x/" HEX, "latest", NULL, true, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct err err = {0};
        auto_done(image_ref) struct image_ref ref = {0};
        if (image_ref_parse(cases[i].in, &ref, &err) < 0)
            fail_msg("%s: %s", cases[i].in, err.message);
        assert_string_equal(ref.registry, cases[i].registry);
        assert_string_equal(ref.repository, cases[i].repository);
        assert_string_equal(ref.tag ? ref.tag : "-", cases[i].tag ? cases[i].tag : "-");
        assert_string_equal(ref.digest ? ref.digest : "-", cases[i].digest ? cases[i].digest : "-");
        assert_int_equal(ref.short_name, cases[i].short_name);
        auto_free char *full = image_ref_string(&ref);
        if (cases[i].full)
            assert_string_equal(full, cases[i].full);
        /* What is printed is read back as the same. */
        auto_done(image_ref) struct image_ref again = {0};
        assert_int_equal(image_ref_parse(full, &again, NULL), 0);
        auto_free char *twice = image_ref_string(&again);
        assert_string_equal(full, twice);
        auto_free char *repository = image_ref_repository(&ref);
        assert_memory_equal(full, repository, strlen(repository));
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *in, *says;
    } cases[] = {
        {"", "empty"},
        {"Hello", "lowercase"},
        {"a/B", "lowercase"},
        {"docker.io/A", "lowercase"},
        {HEX, "id"},
        {"https://docker.io/a", "scheme"},
        {"a:", "tag"},
        {"a:b:c", "tag"},
        {"a:.b", "tag"},
        {"a:-b", "tag"},
        {"a:" T32 T32 T32 T32 "x", "tag"},
        {"a b", "repository"},
        {"a/", "repository"},
        {"/a", "repository"},
        {"a//b", "repository"},
        {"a/../b", "repository"},
        {"../a", "registry"},
        {"./a", "registry"},
        {"-a", "repository"},
        {"a-", "repository"},
        {"a___b", "repository"},
        {"a..b", "repository"},
        {"a._b", "repository"},
        {"a.b:/c", "registry"},
        {"a.b:123456/c", "registry"},
        {"a.b:65536/c", "registry"},
        {"-a.b/c", "registry"},
        {"a-.b/c", "registry"},
        {"[::1/c", "registry"},
        {"[]:1/c", "registry"},
        {"a.b/", "repository"},
        {"a@sha256:abc", "digest"},
        {"a@sha512:" HEX, "digest"},
        {"a@sha256:" HEX "0", "digest"},
        {"a@sha256:../../../x", "digest"},
        {"a@", "digest"},
        {"a\n", "repository"},
        {"\xc3\xa4", "repository"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct err err = {0};
        struct image_ref ref = {.registry = (char *)"untouched"};
        if (image_ref_parse(cases[i].in, &ref, &err) >= 0)
            fail_msg("\"%s\" was accepted", cases[i].in);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_string_equal(ref.registry, "untouched");
        if (!strstr(err.message, cases[i].says))
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].in, err.message, cases[i].says);
    }
}

static void test_length(void **state)
{
    char name[400];
    struct image_ref ref = {0};
    /* docker.io/library/ has 18 characters: 237 more are 255. */
    memset(name, 'a', sizeof(name));
    name[237] = 0;
    assert_int_equal(image_ref_parse(name, &ref, NULL), 0);
    image_ref_done(&ref);
    name[237] = 'a';
    name[238] = 0;
    assert_int_equal(image_ref_parse(name, &ref, NULL), -EINVAL);
    auto_free char *huge = xcalloc(1 << 20, 1);
    memset(huge, 'a', (1 << 20) - 1);
    assert_int_equal(image_ref_parse(huge, &ref, NULL), -EINVAL);
}

static void test_digest(void **state)
{
    assert_true(digest_valid("sha256:" HEX));
    assert_string_equal(digest_hex("sha256:" HEX), HEX);
    static const char *const bad[] = {
        "",
        "sha256:",
        HEX,
        "sha256:" HEX "0",
        "sha512:" HEX,
        "SHA256:" HEX,
        "sha256:../x",
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(digest_valid(bad[i]));
    assert_false(digest_valid(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
