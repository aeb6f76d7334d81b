/* SPDX-License-Identifier: Apache-2.0 */
/* `images`: one row for each name of each image. */
#include "engine/image.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/image_family.h"
#include "engine/image_find.h"
#include "spec/digest.h"
#include "spec/reference.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is the same for all names of an image, as `--format json` shows it. */
static json_t *image_row(const struct image_family *f, size_t i, const char *origin)
{
    const struct store_image *image = &f->all[i];
    size_t parent = f->parent[i];
    char created[36];
    json_t *o = json_object();
    json_put_string(o, "Id", image->id);
    json_put_string(o, "ParentId", parent == NO_PARENT ? "" : f->all[parent].id);
    json_put(o, "RepoTags", json_from_strv(&image->names));
    json_put(o, "RepoDigests", image_repo_digests(image));
    json_put(o, "Size", json_integer(image->size));
    json_put(o, "SharedSize", json_integer(0)); /* podman's is always 0: see `system df -v` */
    json_put(o, "VirtualSize", json_integer(image->size));
    json_put(o, "Labels", json_deep_copy(image->labels));
    json_put(o, "Containers", json_integer(image_containers(f, i)));
    json_put(o, "ReadOnly", json_boolean(image->lower != NULL));
    json_put(o, "Dangling", json_boolean(image_is_dangling(f, i)));
    json_put(o, "Names", json_from_strv(&image->names));
    json_put(o, "Digest", json_sprintf("%.*s", DIGEST_LEN, origin));
    json_put(o, "History", json_from_strv(&image->names));
    json_put(o, "Created", json_integer(image->created));
    json_put_string(o, "CreatedAt",
                    time_format((struct timespec){.tv_sec = image->created}, created));
    return o;
}

/* A row for `name`, whose registry knows the image by `origin`; or for an image without names. */
static json_t *row(const struct image_family *f, size_t i, const char *name, const char *origin)
{
    auto_done(image_ref) struct image_ref ref = {0};
    auto_free char *repository = NULL;
    if (name && image_ref_parse(name, &ref, NULL) == 0)
        repository = image_ref_repository(&ref);
    json_t *o = image_row(f, i, origin);
    json_put_string(o, "Repository", repository ? repository : "<none>");
    json_put_string(o, "Tag", ref.tag ? ref.tag : "<none>");
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

static void add_rows(json_t *rows, const struct image_family *f, size_t i, const char *asked,
                     const struct image_list_options *o)
{
    const struct store_image *image = &f->all[i];
    if (image->names.len == 0 && !asked)
        json_array_append_new(rows, row(f, i, NULL, image->digest));
    for (size_t n = 0; n < image->names.len; n++) {
        if (asked && !name_asked_for(image->names.v[n], asked))
            continue;
        const char *origin = image->origins.v[n];
        json_array_append_new(rows, o->by_image ? image_row(f, i, origin)
                                                : row(f, i, image->names.v[n], origin));
        if (o->by_image)
            return;
    }
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
                    "\"%s\" is not a valid field for sorting. Choose from: created, id, "
                    "repository, size, tag",
                    key);
}

/* A filter for intermediate images asks for what is hidden else. */
static bool wants_hidden(const struct image_list_options *o)
{
    for (size_t i = 0; o->filters && i < o->filters->len; i++)
        if (strncmp(o->filters->v[i], "intermediate=", 13) == 0)
            return true;
    return o->all;
}

/* Rows of all images with the name that was asked for, or of the one image that is `only`. */
static int collect(struct engine *e, const struct image_family *f,
                   const struct image_list_options *o, const struct store_image *only, json_t *rows,
                   struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < f->n; i++) {
        bool match = false;
        if (only ? strcmp(f->all[i].digest, only->digest) != 0
                 : image_is_intermediate(f, i) && !wants_hidden(o))
            continue;
        r = image_matches(e, f, i, o->filters, &match, err);
        if (r == 0 && match)
            add_rows(rows, f, i, only ? NULL : o->name, o);
    }
    return r;
}

int image_list(struct engine *e, const struct image_list_options *o, json_t **ret, struct err *err)
{
    auto_done(image_family) struct image_family f = {0};
    auto_done(store_image) struct store_image only = {0};
    auto_json json_t *rows = json_array();
    int r = image_filters_check(o->filters, err);
    if (r == 0)
        r = image_family_load(e, o->relations, &f, err);
    if (r == 0)
        r = collect(e, &f, o, NULL, rows, err);
    /* An alias or an id. */
    if (r == 0 && o->name && json_array_size(rows) == 0 &&
        image_find(e, o->name, &only, NULL, NULL) == 0)
        r = collect(e, &f, o, &only, rows, err);
    if (r == 0)
        r = sort_rows(rows, o->sort, err);
    if (r == 0)
        *ret = take_ptr(rows);
    return r;
}
