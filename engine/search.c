/* SPDX-License-Identifier: Apache-2.0 */
/* `search`: docker's search where a registry has it, else its list of repositories. */
#include "engine/search.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/filter.h"

#include <stdlib.h>
#include <string.h>

static int match_bool(const json_t *row, const char *field, const char *key, const char *value,
                      struct err *err)
{
    bool wanted;
    int r = filter_bool(key, value, &wanted, err);
    if (r < 0)
        return r;
    return (*json_get_string(row, field, "") != 0) == wanted;
}

static int match_one(void *arg, const char *key, const char *value, struct err *err)
{
    const json_t *row = arg;
    if (strcmp(key, "is-official") == 0)
        return match_bool(row, "Official", key, value, err);
    if (strcmp(key, "is-automated") == 0)
        return match_bool(row, "Automated", key, value, err);
    char *end;
    long stars = strtol(value, &end, 10);
    if (end == value || *end)
        return err_kind(err, ERR_USAGE, -EINVAL, "stars=%.50s: must be a number", value);
    return json_integer_value(json_object_get(row, "Stars")) >= stars;
}

static int add_row(const struct search_options *o, json_t *rows, json_t *row, struct err *err)
{
    bool match = false;
    int r = filters_match(o->filters, match_one, row, &match, err);
    if (r == 0 && match)
        json_array_append(rows, row);
    json_decref(row);
    return r;
}

static json_t *make_row(const char *index, const char *name, const json_t *found)
{
    bool official = json_is_true(json_object_get(found, "is_official"));
    /* What is official on docker.io stands in library/. */
    const char *library = strcmp(index, "docker.io") == 0 && !strchr(name, '/') ? "library/" : "";
    json_t *row = json_object();
    auto_free char *full = xasprintf("%s/%s%s", index, library, name);
    json_put_string(row, "Index", index);
    json_put_string(row, "Name", full);
    json_put_string(row, "Description", json_get_string(found, "description", ""));
    json_put(row, "Stars", json_integer(json_integer_value(json_object_get(found, "star_count"))));
    json_put_string(row, "Official", official ? "[OK]" : "");
    json_put_string(row, "Automated",
                    json_is_true(json_object_get(found, "is_automated")) ? "[OK]" : "");
    return row;
}

static int by_search(struct registry *registry, const struct search_options *o, const char *term,
                     json_t *rows, struct err *err)
{
    auto_json json_t *found = NULL;
    int r = registry_search(registry, term, o->limit, &found, err);
    for (size_t i = 0; r == 0 && i < json_array_size(found) && i < (size_t)o->limit; i++) {
        const json_t *one = json_array_get(found, i);
        const char *name = json_get_string(one, "name", NULL);
        if (name)
            r = add_row(o, rows, make_row(registry_name(registry), name, one), err);
    }
    return r;
}

static int by_catalog(struct registry *registry, const struct search_options *o, const char *term,
                      json_t *rows, struct err *err)
{
    auto_strv names = {0};
    int left = o->limit, r = registry_catalog(registry, &names, err);
    strv_foreach (&names, name) {
        if (r < 0 || left <= 0 || !strstr(name, term))
            continue;
        left--;
        r = add_row(o, rows, make_row(registry_name(registry), name, NULL), err);
    }
    return r;
}

static int open_place(const struct search_options *o, const struct registries *conf,
                      const char *name, struct registry_endpoints *places, struct registry **ret,
                      struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    int r = image_ref_parse(name, &ref, err);
    if (r == 0)
        r = registries_endpoints(conf, &ref, places, err);
    if (r < 0)
        return r;
    return registry_access_open(&o->access, conf, &places->v[places->n - 1], NULL, ret, err);
}

static int search_one(const struct search_options *o, const struct registries *conf,
                      const char *registry_name, const char *term, json_t *rows, struct err *err)
{
    auto_free char *name = xasprintf("%s/x", registry_name);
    auto_done(registry_endpoints) struct registry_endpoints places = {0};
    auto_registry struct registry *registry = NULL;
    int r = open_place(o, conf, name, &places, &registry, err);
    if (r < 0)
        return r;
    r = *term ? by_search(registry, o, term, rows, err) : -ENOTSUP;
    return r == -ENOTSUP ? by_catalog(registry, o, term, rows, err) : r;
}

static int list_tags(const struct search_options *o, const struct registries *conf,
                     const char *name, json_t *rows, struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    auto_done(registry_endpoints) struct registry_endpoints places = {0};
    auto_registry struct registry *registry = NULL;
    auto_strv tags = {0};
    int left = o->limit, r = image_ref_parse(name, &ref, err);
    if (r == 0)
        r = open_place(o, conf, name, &places, &registry, err);
    if (r == 0)
        r = registry_tags(registry, places.v[places.n - 1].repository, &tags, err);
    auto_free char *repository = r < 0 ? NULL : image_ref_repository(&ref);
    strv_foreach (&tags, tag)
        if (r == 0 && left-- > 0)
            json_array_append_new(rows, json_pack("{s:s, s:s}", "Name", repository, "Tag", tag));
    return r;
}

/* "quay.io/x": the registry, and "x" in *ret_term; NULL when none is named. */
static char *named_registry(const char *term, const char **ret_term)
{
    const char *slash = strchr(term, '/');
    size_t len = slash ? (size_t)(slash - term) : 0;
    auto_free char *first = xstrndup(term, len);
    *ret_term = term;
    if (!slash || !(strpbrk(first, ".:") || strcmp(first, "localhost") == 0))
        return NULL;
    *ret_term = slash + 1;
    return take_ptr(first);
}

static int search_all(const struct search_options *o, const struct registries *conf, json_t *rows,
                      struct err *err)
{
    const char *term;
    auto_free char *named = named_registry(o->term, &term);
    int result = -ENOENT;
    if (named)
        return search_one(o, conf, named, term, rows, err);
    if (conf->search.len == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "registries.conf names no registry to search: write one before the term");
    for (size_t i = 0; i < conf->search.len; i++) {
        struct err one = {0};
        int r = search_one(o, conf, conf->search.v[i], term, rows, &one);
        if (r == 0)
            result = 0;
        else if (result < 0 && err)
            *err = one;
        if (r < 0)
            log_debug("search in %s: %s", conf->search.v[i], one.message);
    }
    return result < 0 && err ? err->code : result;
}

int registries_search(const struct search_options *o, json_t **ret, struct err *err)
{
    static const char *const keys[] = {"stars", "is-official", "is-automated", NULL};
    auto_done(registries) struct registries conf = {0};
    auto_strv names = {0};
    auto_json json_t *rows = json_array();
    int r = filters_check(o->filters, keys, err);
    if (r == 0)
        r = registries_load(o->registries_conf, &conf, err);
    if (r == 0 && o->tags) {
        r = registries_resolve(&conf, o->term, &names, err);
        if (r == 0)
            r = list_tags(o, &conf, names.v[0], rows, err);
    } else if (r == 0) {
        r = search_all(o, &conf, rows, err);
    }
    if (r == 0)
        *ret = take_ptr(rows);
    return r;
}
