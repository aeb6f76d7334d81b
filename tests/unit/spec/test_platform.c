/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms, kinds of document, and the choice from an index. */
#include "base/alloc.h"
#include "base/json.h"
#include "spec/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_parse(void **state)
{
    static const struct {
        const char *in, *want; /* NULL: refused */
    } cases[] = {
        {"linux/amd64", "linux/amd64"},
        {"linux/x86_64", "linux/amd64"},
        {"linux/arm64", "linux/arm64/v8"},
        {"linux/aarch64", "linux/arm64/v8"},
        {"linux/arm/v6", "linux/arm/v6"},
        {"linux/armhf", "linux/arm/v7"},
        {"windows/amd64", "windows/amd64"},
        {"Linux/ARM64", "linux/arm64/v8"},
        {"s390x", "linux/s390x"},
        {"linux/new/thing", "linux/new/thing"},
        {"", NULL},
        {"a/b/c/d", NULL},
        {"linux/", NULL},
        {"linux/a b", NULL},
        {"/amd64", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_done(platform) struct platform p = {0};
        if (platform_parse(cases[i].in, &p, NULL) < 0) {
            assert_null(cases[i].want);
            continue;
        }
        auto_free char *got = platform_string(&p);
        assert_non_null(cases[i].want);
        assert_string_equal(got, cases[i].want);
    }
    auto_done(platform) struct platform alone = {0}, host = {0};
    assert_int_equal(platform_parse("linux", &alone, NULL), 0);
    platform_host(&host);
    auto_free char *got = platform_string(&alone), *want = platform_string(&host);
    assert_string_equal(got, want);
}

/* An index of these platforms ("os/arch/variant", "-" for none said); which is chosen, -1: none. */
static int choose(const char *platforms, const char *want)
{
    auto_strv all = {0};
    auto_json json_t *index = json_pack("{s:i, s:[]}", "schemaVersion", 2, "manifests");
    strv_split(&all, platforms, ' ');
    for (size_t i = 0; i < all.len; i++) {
        auto_strv w = {0};
        strv_split(&w, all.v[i], '/');
        bool other = strcmp(all.v[i], "index") == 0;
        json_t *e = json_pack("{s:s, s:i}", "mediaType",
                              other ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST, "size", 1);
        json_put(e, "digest", json_sprintf("sha256:%064d", (int)i));
        if (w.len > 1) {
            json_t *p = json_pack("{s:s, s:s}", "os", w.v[0], "architecture", w.v[1]);
            json_put_string(p, "variant", w.len > 2 ? w.v[2] : NULL);
            json_put(e, "platform", p);
        }
        json_array_append_new(json_object_get(index, "manifests"), e);
    }
    auto_done(image_index) struct image_index parsed = {0};
    auto_done(platform) struct platform p = {0};
    const struct descriptor *d = NULL;
    struct err err = {0};
    assert_int_equal(image_index_parse(index, &parsed, NULL), 0);
    assert_int_equal(platform_parse(want, &p, NULL), 0);
    if (image_index_choose(&parsed, &p, &d, &err) < 0) {
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        return -1;
    }
    return atoi(d->digest + strlen(d->digest) - 3);
}

static void test_choose(void **state)
{
    static const struct {
        const char *platforms, *want;
        int chosen;
    } cases[] = {
        {"linux/arm64/v8 linux/amd64 linux/386", "linux/amd64", 1},
        {"linux/arm64 linux/amd64", "linux/arm64", 0},
        {"linux/arm64/v8 linux/amd64", "linux/arm64", 0},
        {"linux/arm64/v9 linux/amd64", "linux/arm64", -1},
        {"linux/arm/v5 linux/arm/v6 linux/arm/v7", "linux/arm/v6", 1},
        {"linux/arm/v5 linux/arm/v8", "linux/arm/v7", 0},
        {"windows/amd64 linux/amd64", "linux/amd64", 1},
        {"linux/amd64/v3 linux/amd64", "linux/amd64", 1},
        {"linux/amd64/v3", "linux/amd64", -1},
        {"linux/amd64/v1", "linux/amd64", 0},
        {"linux/amd64 linux/amd64/v3", "linux/amd64/v3", 1},
        {"linux/amd64", "linux/amd64/v3", 0},
        {"unknown/unknown linux/amd64", "linux/amd64", 1},
        {"-", "linux/amd64", 0},
        {"- -", "linux/amd64", -1},
        {"index linux/amd64", "linux/amd64", 1},
        {"index", "linux/amd64", -1},
        {"linux/s390x", "linux/amd64", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (choose(cases[i].platforms, cases[i].want) != cases[i].chosen)
            fail_msg("%s of %s", cases[i].want, cases[i].platforms);
}

static void test_kind(void **state)
{
    static const struct {
        const char *json, *type;
        int kind; /* -1: refused */
    } cases[] = {
        {"{\"schemaVersion\":2,\"layers\":[],\"config\":{}}", NULL, MANIFEST_IMAGE},
        {"{\"schemaVersion\":2,\"manifests\":[]}", NULL, MANIFEST_INDEX},
        {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", NULL, -1},
        {"{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}", NULL, -1},
        {"{\"schemaVersion\":2,\"layers\":[]}", MEDIA_OCI_MANIFEST, MANIFEST_IMAGE},
        {"{\"schemaVersion\":2,\"layers\":[]}", MEDIA_OCI_MANIFEST "; charset=utf-8", 0},
        {"{\"schemaVersion\":2,\"layers\":[]}", MEDIA_OCI_INDEX, -1},
        {"{\"schemaVersion\":2,\"layers\":[]}", "application/json", MANIFEST_IMAGE},
        {"{\"schemaVersion\":2,\"manifests\":[]}", MEDIA_DOCKER_MANIFEST, -1},
        {"{\"schemaVersion\":2,\"manifests\":[],\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"}", NULL,
         -1},
        {"{\"schemaVersion\":2,\"layers\":[],\"mediaType\":\"" MEDIA_DOCKER_LIST "\"}", NULL, -1},
        {"{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, -1},
        {"{\"schemaVersion\":2,\"layers\":[]}", MEDIA_DOCKER_SCHEMA1 "+prettyjws", -1},
        {"[]", NULL, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_json json_t *json = json_loads(cases[i].json, 0, NULL);
        enum manifest_kind kind;
        int r = manifest_kind(json, cases[i].type, &kind, NULL);
        if ((r < 0 ? -1 : (int)kind) != cases[i].kind)
            fail_msg("%s as %s", cases[i].json, cases[i].type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
