/* SPDX-License-Identifier: Apache-2.0 */
/* Image indexes, and what kind of document one has. */
#include "spec/platform.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "spec/internal.h"
#include "spec/limits.h"

#include <string.h>

static bool is_image_type(const char *type)
{
    return strcmp(type, MEDIA_OCI_MANIFEST) == 0 || strcmp(type, MEDIA_DOCKER_MANIFEST) == 0;
}

static bool is_index_type(const char *type)
{
    return strcmp(type, MEDIA_OCI_INDEX) == 0 || strcmp(type, MEDIA_DOCKER_LIST) == 0;
}

static bool is_schema1(const char *type)
{
    return strncmp(type, MEDIA_DOCKER_SCHEMA1, strlen(MEDIA_DOCKER_SCHEMA1)) == 0;
}

/* What came with the document, without parameters. NULL when it says nothing about images. */
static char *known_type(const char *media_type)
{
    auto_free char *type =
        xstrndup(media_type ? media_type : "", media_type ? strcspn(media_type, "; \t") : 0);
    return is_image_type(type) || is_index_type(type) || is_schema1(type) ? take_ptr(type) : NULL;
}

static int check_type(const char *type, bool index, struct err *err)
{
    if (!type || (index ? is_index_type(type) : is_image_type(type)))
        return 0;
    return err_set(err, -EINVAL, "the document is %s, but its media type is \"%.200s\"",
                   index ? "an index" : "a manifest", type);
}

int manifest_kind(const json_t *json, const char *media_type, enum manifest_kind *ret,
                  struct err *err)
{
    auto_free char *inside = NULL, *outside = known_type(media_type);
    int64_t version = 0;
    if (!json_is_object(json))
        return err_set(err, -EINVAL, "the manifest is not an object");
    int r = json_want_int(json, "schemaVersion", &version, err);
    if (r == 0)
        r = json_want_string(json, "mediaType", &inside, err);
    if (r < 0)
        return r;
    if (version == 1 || (inside && is_schema1(inside)) || (outside && is_schema1(outside)))
        return err_set(err, -ENOTSUP,
                       "the image has a manifest of docker's schema 1, which registries gave up in "
                       "2019: push it again with a newer program");
    bool index = json_object_get(json, "manifests");
    if (index && (json_object_get(json, "layers") || json_object_get(json, "config")))
        return err_set(err, -EINVAL, "the document could be an index or a manifest: it is neither");
    r = check_type(inside, index, err);
    if (r == 0)
        r = check_type(outside, index, err);
    if (r == 0)
        *ret = index ? MANIFEST_INDEX : MANIFEST_IMAGE;
    return r;
}

void image_index_done(struct image_index *index)
{
    for (size_t i = 0; i < index->n; i++) {
        descriptor_done(&index->entries[i].descriptor);
        platform_done(&index->entries[i].platform);
    }
    free(index->entries);
    *index = (struct image_index){0};
}

static int parse_entry(const json_t *j, struct index_entry *ret, struct err *err)
{
    const json_t *platform = NULL;
    int r = descriptor_parse(j, "manifests", &ret->descriptor, err);
    if (r == 0)
        r = json_want_object(j, "platform", &platform, err);
    if (r == 0 && platform)
        r = json_want_string(platform, "os", &ret->platform.os, err);
    if (r == 0 && platform)
        r = json_want_string(platform, "architecture", &ret->platform.architecture, err);
    if (r == 0 && platform)
        r = json_want_string(platform, "variant", &ret->platform.variant, err);
    return r;
}

int image_index_parse(const json_t *json, struct image_index *ret, struct err *err)
{
    auto_done(image_index) struct image_index index = {0};
    const json_t *entries = NULL;
    int r = json_want_array(json, "manifests", &entries, err);
    if (r < 0)
        return r;
    size_t n = entries ? json_array_size(entries) : 0;
    if (n > SPEC_LIST_MAX)
        return err_set(err, -E2BIG, "the index has more than %d entries", SPEC_LIST_MAX);
    index.entries = xcalloc(n, sizeof(*index.entries));
    for (index.n = 0; index.n < n && r == 0; index.n++)
        r = parse_entry(json_array_get(entries, index.n), &index.entries[index.n], err);
    if (r < 0)
        return r;
    *ret = index;
    index = (struct image_index){0};
    return 0;
}

static int not_there(const struct image_index *index, const struct platform *want, struct err *err)
{
    auto_buf have = {0};
    auto_free char *wanted = platform_string(want);
    for (size_t i = 0; i < index->n && have.len < 300; i++) {
        const struct index_entry *e = &index->entries[i];
        if (!is_image_type(e->descriptor.media_type) || !e->platform.architecture ||
            strcmp(e->platform.architecture, "unknown") == 0) /* attestations */
            continue;
        auto_free char *one = platform_string(&e->platform);
        buf_printf(&have, "%s%.40s", have.len ? ", " : "", one);
    }
    return err_kind(err, ERR_NOT_FOUND, -ENOENT, "there is no image for %s, only for: %s", wanted,
                    have.len ? buf_str(&have) : "nothing");
}

int image_index_choose(const struct image_index *index, const struct platform *want,
                       const struct descriptor **ret, struct err *err)
{
    const struct index_entry *best = NULL, *silent = NULL;
    int best_match = 0;
    size_t images = 0;
    for (size_t i = 0; i < index->n; i++) {
        const struct index_entry *e = &index->entries[i];
        if (!is_image_type(e->descriptor.media_type))
            continue;
        images++;
        if (!e->platform.os && !e->platform.architecture)
            silent = e;
        int match = platform_match(want, &e->platform);
        if (match > best_match) {
            best_match = match;
            best = e;
        }
    }
    if (!best && images == 1)
        best = silent; /* there is nothing to choose */
    if (!best)
        return not_there(index, want, err);
    *ret = &best->descriptor;
    return 0;
}
