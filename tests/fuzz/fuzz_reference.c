/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: names of images and platforms, as people and files write them. */
#include "base/buf.h"
#include "base/strv.h"
#include "spec/digest.h"
#include "spec/platform.h"
#include "spec/reference.h"
#include "spec/registries.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool yes)
{
    if (!yes)
        abort();
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What goes into a URL's path, a file's name or a header must lead nowhere else. */
static void check_parts(const struct image_ref *ref)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "._-";
    const char *r = ref->repository;
    must(!r[strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789._-/")]);
    must(!strstr(r, "..") && !strstr(r, "//") && !strstr(r, "/.") && *r != '.' && *r != '/');
    must(!strpbrk(ref->registry, "/@?#%\\ \t\r\n") && *ref->registry);
    must(ref->tag || ref->digest);
    must(!ref->tag || (*ref->tag && *ref->tag != '.' && !ref->tag[strspn(ref->tag, harmless)]));
    must(!ref->digest || digest_valid(ref->digest));
}

static void reference(const char *text)
{
    auto_done(image_ref) struct image_ref ref = {0}, again = {0};
    if (image_ref_parse(text, &ref, NULL) < 0) {
        must(!ref.registry && !ref.repository && !ref.tag && !ref.digest);
        return;
    }
    check_parts(&ref);
    auto_free char *full = image_ref_string(&ref);
    must(image_ref_parse(full, &again, NULL) == 0); /* what is printed is read back */
    must(same(ref.registry, again.registry) && same(ref.repository, again.repository) &&
         same(ref.tag, again.tag) && same(ref.digest, again.digest) && !again.short_name);
}

/* Short names become candidates that are full names. */
static void candidates(const char *text)
{
    auto_done(registries) struct registries conf;
    auto_done(image_ref) struct image_ref ref = {0};
    auto_strv names = {0};
    registries_init(&conf);
    bool valid = image_ref_parse(text, &ref, NULL) == 0;
    must((registries_resolve(&conf, text, &names, NULL) == 0) == valid);
    for (size_t i = 0; i < names.len; i++) {
        auto_done(image_ref) struct image_ref one = {0};
        auto_done(registry_endpoints) struct registry_endpoints places = {0};
        must(image_ref_parse(names.v[i], &one, NULL) == 0 && !one.short_name);
        must(registries_endpoints(&conf, &one, &places, NULL) == 0 && places.n > 0);
    }
}

static void platform(const char *text)
{
    auto_done(platform) struct platform p = {0}, again = {0};
    if (platform_parse(text, &p, NULL) < 0)
        return;
    auto_free char *full = platform_string(&p);
    must(platform_parse(full, &again, NULL) == 0);
    auto_free char *twice = platform_string(&again);
    must(strcmp(full, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf text = {0};
    buf_add(&text, data, size);
    reference(buf_str(&text));
    candidates(buf_str(&text));
    platform(buf_str(&text));
    return 0;
}
