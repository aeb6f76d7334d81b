/* SPDX-License-Identifier: Apache-2.0 */
/* `images`: one row for each name of each image. */
#include "engine/image.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/container.h"
#include "spec/digest.h"
#include "spec/reference.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct match {
    struct engine *engine;
    const struct store_image *image;
};

static int match_reference(const struct store_image *image, const char *pattern)
{
    for (size_t i = 0; i < image->names.len; i++) {
        const char *name = image->names.v[i], *slash = strrchr(name, '/');
        if (fnmatch(pattern, name, 0) == 0 || (slash && fnmatch(pattern, slash + 1, 0) == 0))
            return 1;
        auto_free char *tagged = xasprintf("%s:*", pattern);
        if (fnmatch(tagged, name, 0) == 0 || (slash && fnmatch(tagged, slash + 1, 0) == 0))
            return 1;
    }
    return 0;
}

static int match_dangling(const struct store_image *image, const char *value, struct err *err)
{
    bool wanted = strcmp(value, "true") == 0;
    if (!wanted && strcmp(value, "false") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "dangling=%s: must be true or false", value);
    return (image->names.len == 0) == wanted;
}

static int match_age(const struct match *m, const char *name, bool before, struct err *err)
{
    auto_done(store_image) struct store_image other = {0};
    int r = store_image_find(&m->engine->store, name, &other, err);
    if (r < 0)
        return r;
    return before ? m->image->created < other.created : m->image->created > other.created;
}

static const char *const filter_keys[] = {"id",     "dangling", "reference", "label",
                                          "before", "since",    NULL};

static int match_one(void *arg, const char *key, const char *value, struct err *err)
{
    const struct match *m = arg;
    if (strcmp(key, "id") == 0)
        return strncmp(m->image->id, value, strlen(value)) == 0;
    if (strcmp(key, "dangling") == 0)
        return match_dangling(m->image, value, err);
    if (strcmp(key, "reference") == 0)
        return match_reference(m->image, value);
    if (strcmp(key, "label") == 0)
        return filter_label(m->image->labels, value);
    return match_age(m, value, *key == 'b', err);
}

/* A row for `name`, whose registry knows the image by `origin`; or for an image without names. */
static json_t *row(const struct store_image *image, const char *name, const char *origin,
                   const json_t *counts)
{
    auto_done(image_ref) struct image_ref ref = {0};
    auto_free char *repository = NULL;
    if (name && image_ref_parse(name, &ref, NULL) == 0)
        repository = image_ref_repository(&ref);
    json_t *o = json_object();
    json_put_string(o, "Id", image->id);
    json_put_string(o, "Repository", repository ? repository : "<none>");
    json_put_string(o, "Tag", ref.tag ? ref.tag : "<none>");
    json_put(o, "Digest", json_sprintf("%.*s", DIGEST_LEN, origin));
    json_put(o, "Created", json_integer(image->created));
    json_put(o, "Size", json_integer(image->size));
    json_put(o, "VirtualSize", json_integer(image->size));
    json_put(o, "Names", json_from_strv(&image->names));
    json_put(o, "Containers", json_integer(json_integer_value(json_object_get(counts, image->id))));
    json_put(o, "Labels", json_deep_copy(image->labels));
    json_put(o, "Dangling", json_boolean(image->names.len == 0));
    return o;
}

/* True when `asked` (a repository or a name) is what this name is called. */
static bool name_asked_for(const char *name, const char *asked)
{
    auto_done(image_ref) struct image_ref a = {0}, n = {0};
    if (image_ref_parse(asked, &a, NULL) < 0 || image_ref_parse(name, &n, NULL) < 0)
        return false;
    bool tag_written = strrchr(asked, ':') > strrchr(asked, '/');
    bool same_place = strcmp(a.registry, n.registry) == 0 ||
                      (a.short_name && strcmp(n.registry, "localhost") == 0);
    const char *repository = a.repository;
    if (strcmp(n.registry, "localhost") == 0 && strncmp(repository, "library/", 8) == 0)
        repository += 8;
    return same_place && strcmp(repository, n.repository) == 0 &&
           (!tag_written || (a.tag && n.tag && strcmp(a.tag, n.tag) == 0));
}

static void add_rows(json_t *rows, const struct store_image *image, const char *asked,
                     const json_t *counts)
{
    if (image->names.len == 0 && !asked)
        json_array_append_new(rows, row(image, NULL, image->digest, counts));
    for (size_t i = 0; i < image->names.len; i++)
        if (!asked || name_asked_for(image->names.v[i], asked))
            json_array_append_new(rows, row(image, image->names.v[i], image->origins.v[i], counts));
}

/* --- order ---------------------------------------------------------------------------------- */

static const char *text(const void *row, const char *key)
{
    return json_get_string(*(json_t *const *)row, key, "");
}

static int by_id(const void *a, const void *b)
{
    return strcmp(text(a, "Id"), text(b, "Id"));
}

static int by_repository(const void *a, const void *b)
{
    return strcasecmp(text(a, "Repository"), text(b, "Repository"));
}

static int by_tag(const void *a, const void *b)
{
    return strcmp(text(a, "Tag"), text(b, "Tag"));
}

static int by_size(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "Size"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "Size"));
    return (x > y) - (x < y);
}

static int sort_rows(json_t *rows, const char *key, struct err *err)
{
    static const struct {
        const char *key;
        int (*compare)(const void *, const void *);
    } orders[] = {{"id", by_id}, {"repository", by_repository}, {"tag", by_tag}, {"size", by_size}};
    if (!key || strcmp(key, "created") == 0)
        return 0; /* as the store lists them */
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        if (strcmp(orders[i].key, key) != 0)
            continue;
        size_t n = json_array_size(rows);
        auto_free json_t **all = xcalloc(n, sizeof(*all));
        for (size_t j = 0; j < n; j++)
            all[j] = json_incref(json_array_get(rows, j));
        if (n)
            qsort(all, n, sizeof(*all), orders[i].compare);
        json_array_clear(rows);
        for (size_t j = 0; j < n; j++)
            json_array_append_new(rows, all[j]);
        return 0;
    }
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "cannot sort by \"%s\": one of created, id, repository, size, tag", key);
}

int image_list(struct engine *e, const struct image_list_options *o, json_t **ret, struct err *err)
{
    struct store_image *all = NULL;
    size_t n = 0;
    auto_json json_t *counts = NULL;
    int r = filters_check(o->filters, filter_keys, err);
    if (r == 0)
        r = container_counts(e, &counts, err);
    if (r == 0)
        r = store_image_list(&e->store, &all, &n, err);
    if (r < 0)
        return r;
    auto_json json_t *rows = json_array();
    for (size_t i = 0; i < n && r == 0; i++) {
        struct match m = {.engine = e, .image = &all[i]};
        bool match = false;
        r = filters_match(o->filters, match_one, &m, &match, err);
        if (r == 0 && match)
            add_rows(rows, &all[i], o->name, counts);
    }
    for (size_t i = 0; i < n; i++)
        store_image_done(&all[i]);
    free(all);
    if (r == 0)
        r = sort_rows(rows, o->sort, err);
    if (r == 0)
        *ret = take_ptr(rows);
    return r;
}
