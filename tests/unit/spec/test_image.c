/* SPDX-License-Identifier: Apache-2.0 */
/* Image configuration and manifest: what is kept, what is refused. */
#include "base/json.h"
#include "spec/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static json_t *parse(const char *text)
{
    json_t *j = NULL;
    struct err err = {0};
    if (json_parse(text, strlen(text), &j, &err) < 0)
        fail_msg("%s: %s", err.message, text);
    return j;
}

/* Sorted, as json_text() prints. */
static const char full[] =
    "{\"architecture\":\"arm64\",\"author\":\"me\","
    "\"config\":{\"Cmd\":[\"b\"],\"Entrypoint\":[],\"Env\":[\"A=b\",\"PATH=/bin\"],"
    "\"ExposedPorts\":{\"443/tcp\":{},\"80/tcp\":{}},"
    "\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]},\"Hostname\":\"\","
    "\"Labels\":{\"k\":\"v\"},\"OnBuild\":null,\"StopSignal\":\"SIGINT\",\"User\":\"1:2\","
    "\"Volumes\":{\"/a\":{},\"/b\":{}},\"WorkingDir\":\"/w\"},"
    "\"created\":\"2026-01-02T03:04:05Z\","
    "\"history\":[{\"created\":\"2026-01-02T03:04:05Z\",\"created_by\":\"x\"},"
    "{\"author\":\"a\",\"comment\":\"c\",\"empty_layer\":true},{}],"
    "\"os\":\"linux\",\"os.features\":[\"f\"],"
    "\"rootfs\":{\"diff_ids\":[\"" D1 "\",\"" D2 "\"],\"type\":\"layers\"},"
    "\"variant\":\"v8\",\"x.unknown\":{\"deep\":[1,2.5,true]}}";

static void test_round_trip(void **state)
{
    auto_json json_t *j = parse(full);
    struct err err = {0};
    auto_done(image_config) struct image_config c = {0};
    if (image_config_parse(j, &c, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(c.run.user, "1:2");
    assert_true(c.run.has_entrypoint);
    assert_int_equal(c.run.entrypoint.len, 0);
    assert_string_equal(c.run.ports.v[0], "443/tcp");
    assert_string_equal(c.run.volumes.v[1], "/b");
    assert_string_equal(json_get_string(c.run.labels, "k", ""), "v");
    assert_int_equal(c.n_history, 3);
    assert_true(c.history[1].empty_layer);
    auto_json json_t *out = image_config_json(&c);
    auto_free char *text = json_text(out);
    assert_string_equal(text, full);

    auto_done(image_config) struct image_config copy = {0};
    image_config_copy(&c, &copy);
    image_config_done(&c);
    auto_json json_t *out2 = image_config_json(&copy);
    auto_free char *text2 = json_text(out2);
    assert_string_equal(text2, full);
}

static void test_minimal(void **state)
{
    auto_json json_t *j = parse("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},"
                                "\"config\":{\"Cmd\":null,\"Labels\":null,\"Env\":null}}");
    auto_done(image_config) struct image_config c = {0};
    assert_int_equal(image_config_parse(j, &c, NULL), 0);
    assert_false(c.run.has_cmd);
    assert_non_null(c.run.labels);
    assert_string_equal(c.os, "linux");
    assert_string_equal(c.architecture, platform_architecture());

    struct image_history h = {.created_by = (char *)"y", .empty_layer = true};
    image_config_add_history(&c, &h);
    assert_int_equal(c.n_history, 1);
    assert_string_equal(c.history[0].created_by, "y");
    assert_ptr_not_equal(c.history[0].created_by, h.created_by);
}

#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\"]}"

static void test_bad_config(void **state)
{
    static const struct {
        const char *in, *says;
    } cases[] = {
        {"[]", "not an object"},
        {"{}", "rootfs"},
        {"{\"rootfs\":[]}", "rootfs"},
        {"{\"rootfs\":{\"diff_ids\":[]}}", "type"},
        {"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../x\"]}}", "diff id"},
        {"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}", "diff_ids"},
        {"{\"os\":1," ROOTFS "}", "os"},
        {"{\"config\":[]," ROOTFS "}", "config"},
        {"{\"config\":{\"Env\":\"A=b\"}," ROOTFS "}", "Env"},
        {"{\"config\":{\"Cmd\":{}}," ROOTFS "}", "Cmd"},
        {"{\"config\":{\"Labels\":{\"a\":1}}," ROOTFS "}", "label"},
        {"{\"config\":{\"Volumes\":[\"/a\"]}," ROOTFS "}", "Volumes"},
        {"{\"config\":{\"User\":0}," ROOTFS "}", "User"},
        {"{\"history\":{}," ROOTFS "}", "history"},
        {"{\"history\":[1]," ROOTFS "}", "history"},
        {"{\"history\":[{\"empty_layer\":\"yes\"}]," ROOTFS "}", "empty_layer"},
        {"{\"history\":[{},{}]," ROOTFS "}", "2 layers"},
        {"{\"history\":[{\"empty_layer\":true}]," ROOTFS "}", "0 layers"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_json json_t *j = parse(cases[i].in);
        struct err err = {0};
        struct image_config c = {0};
        if (image_config_parse(j, &c, &err) >= 0)
            fail_msg("accepted: %s", cases[i].in);
        assert_null(c.os);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].in, err.message);
    }
}

static void test_limits(void **state)
{
    auto_json json_t *j = parse("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}");
    json_t *ids = json_object_get(json_object_get(j, "rootfs"), "diff_ids");
    for (int i = 0; i < 1001; i++)
        json_array_append_new(ids, json_string(D1));
    struct image_config c = {0};
    assert_int_equal(image_config_parse(j, &c, NULL), -E2BIG);
    json_array_clear(ids);
    json_t *env = json_array();
    json_object_set_new(j, "config", json_pack("{s:o}", "Env", env));
    for (int i = 0; i < 10001; i++)
        json_array_append_new(env, json_string("A=b"));
    assert_int_equal(image_config_parse(j, &c, NULL), -E2BIG);
}

#define CONFIG                                                                                     \
    "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" D1 "\",\"size\":2}"
#define LAYER(digest, size)                                                                        \
    "{\"mediaType\":\"" MEDIA_OCI_LAYER "\",\"digest\":\"" digest "\",\"size\":" size "}"

static void test_manifest(void **state)
{
    static const char text[] =
        "{\"annotations\":{\"a\":\"b\"},\"config\":{\"digest\":\"" D1
        "\",\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"size\":2},\"layers\":"
        "[{\"digest\":\"" D2 "\",\"mediaType\":\"" MEDIA_OCI_LAYER
        "\",\"size\":4294967296}],\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"schemaVersion\":2}";
    auto_json json_t *j = parse(text);
    auto_done(manifest) struct manifest m = {0};
    assert_int_equal(manifest_parse(j, &m, NULL), 0);
    assert_int_equal(m.n_layers, 1);
    assert_true(m.layers[0].size == INT64_C(4294967296));
    auto_json json_t *out = manifest_json(&m);
    auto_free char *printed = json_text(out);
    assert_string_equal(printed, text);
}

static void test_bad_manifest(void **state)
{
    static const struct {
        const char *in, *says;
    } cases[] = {
        {"[]", "object"},
        {"{\"schemaVersion\":1," CONFIG ",\"layers\":[]}", "schemaVersion"},
        {"{" CONFIG ",\"layers\":[]}", "schemaVersion"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\"," CONFIG ",\"layers\":[]}",
         "media type"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", "manifests"},
        {"{\"schemaVersion\":2," CONFIG "}", "layers"},
        {"{\"schemaVersion\":2,\"layers\":[]}", "config"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[7]}", "layers"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER(D2, "-1") "]}", "size"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER(D2, "\"1\"") "]}", "size"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER("sha256:x", "1") "]}", "digest"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"annotations\":[]}", "annotations"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_json json_t *j = parse(cases[i].in);
        struct err err = {0};
        struct manifest m = {0};
        if (manifest_parse(j, &m, &err) >= 0)
            fail_msg("accepted: %s", cases[i].in);
        assert_null(m.layers);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].in, err.message);
    }
}

static void test_platform(void **state)
{
    struct utsname u;
    assert_int_equal(uname(&u), 0);
    if (strcmp(u.machine, "x86_64") == 0)
        assert_string_equal(platform_architecture(), "amd64");
    else
        assert_true(*platform_architecture() != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_minimal),
        cmocka_unit_test(test_bad_config), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_manifest),   cmocka_unit_test(test_bad_manifest),
        cmocka_unit_test(test_platform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
