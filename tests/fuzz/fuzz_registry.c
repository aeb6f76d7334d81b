/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what registries say and what is said of them. The first byte of an input chooses the
 * parser, the rest is its text. */
#include "base/buf.h"
#include "base/json.h"
#include "registry/auth_file.h"
#include "spec/platform.h"
#include "spec/reference.h"
#include "spec/registries.h"
#include "spec/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct registries *r, const char *name)
{
    auto_done(image_ref) struct image_ref ref = {0};
    auto_done(registry_endpoints) struct registry_endpoints e = {0};
    auto_strv names = {0};
    registries_resolve(r, name, &names, NULL);
    if (image_ref_parse(name, &ref, NULL) == 0)
        registries_endpoints(r, &ref, &e, NULL);
}

static void registries_conf(const char *text, size_t len)
{
    static const char *const names[] = {"x", "a/b:1", "docker.io/library/x", "b.example.com:80/q",
                                        "q.io/a@sha256:0123456789abcdef0123456789abcdef"
                                        "0123456789abcdef0123456789abcdef"};
    auto_json json_t *json = NULL;
    auto_done(registries) struct registries r;
    struct err err = {0};
    registries_init(&r);
    if (toml_parse(text, len, &json, &err) < 0 || registries_merge(&r, json, &err) < 0)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        ask(&r, names[i]);
}

static void auth_file(const char *text, size_t len)
{
    auto_json json_t *json = NULL;
    auto_done(auth_answer) struct auth_answer a = {0};
    auto_free char *helper = NULL;
    struct err err = {0};
    struct credentials c = {.user = (char *)"u", .password = (char *)"p"};
    if (json_parse(text, len, &json, &err) < 0)
        return;
    auth_file_find(json, "docker.io", "library/x", &a, &err);
    if (!json_is_object(json))
        return;
    auth_file_helper(json, "q.io", &helper, &err);
    auth_file_put(json, "q.io/a", &c);
    auth_file_remove(json, "q.io");
}

static void document(const char *text, size_t len)
{
    auto_json json_t *json = NULL;
    auto_done(image_index) struct image_index index = {0};
    auto_done(manifest) struct manifest m = {0};
    auto_done(image_config) struct image_config config = {0};
    auto_done(platform) struct platform host = {0};
    const struct descriptor *chosen = NULL;
    enum manifest_kind kind;
    struct err err = {0};
    if (json_parse(text, len, &json, &err) < 0)
        return;
    manifest_kind(json, MEDIA_OCI_MANIFEST "; charset=utf-8", &kind, &err);
    platform_host(&host);
    if (image_index_parse(json, &index, &err) == 0)
        image_index_choose(&index, &host, &chosen, &err);
    manifest_parse(json, &m, &err);
    image_config_parse(json, &config, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const char *, size_t) = {registries_conf, auth_file, document};
    if (size == 0)
        return 0;
    auto_buf text = {0};
    buf_add(&text, data + 1, size - 1);
    parsers[data[0] % (sizeof(parsers) / sizeof(*parsers))](buf_str(&text), text.len);
    return 0;
}
