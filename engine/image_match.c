/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of `images` and `image prune`. */
#include "engine/image_family.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/when.h"
#include "engine/filter.h"
#include "engine/image_find.h"

#include <fnmatch.h>
#include <string.h>

struct match {
    struct engine *engine;
    const struct image_family *family;
    size_t i;
    const struct store_image *image;
};

/* A pattern for the full name, or for what is behind its last slash; with or without the tag. */
static int match_reference(const struct match *m, const char *key, const char *pattern,
                           struct err *err)
{
    for (size_t i = 0; i < m->image->names.len; i++) {
        const char *name = m->image->names.v[i], *slash = strrchr(name, '/');
        auto_free char *tagged = xasprintf("%s:*", pattern);
        auto_free char *below = xasprintf("*/%s", pattern),
                       *below_tagged = xasprintf("*/%s", tagged);
        if (fnmatch(pattern, name, 0) == 0 || fnmatch(tagged, name, 0) == 0 ||
            fnmatch(below, name, 0) == 0 || fnmatch(below_tagged, name, 0) == 0 ||
            (slash && fnmatch(pattern, slash + 1, 0) == 0))
            return 1;
    }
    return 0;
}

static int match_age(const struct match *m, const char *key, const char *name, struct err *err)
{
    auto_done(store_image) struct store_image other = {0};
    int r = image_find(m->engine, name, &other, NULL, err);
    if (r < 0)
        return r;
    int age = store_image_compare_age(m->image, &other);
    return *key == 'b' ? age < 0 : age > 0;
}

static int match_until(const struct match *m, const char *key, const char *value, struct err *err)
{
    struct timespec t;
    int r = when_parse(value, time_now(), &t, err);
    return r < 0 ? r : m->image->created < t.tv_sec;
}

static int match_bool(const struct match *m, const char *key, const char *value, struct err *err)
{
    bool wanted, is;
    int r = filter_bool(key, value, &wanted, err);
    if (r < 0)
        return r;
    switch (*key) {
    case 'c': is = image_containers(m->family, m->i) > 0; break;
    case 'd': is = image_is_dangling(m->family, m->i); break;
    case 'i': is = image_is_intermediate(m->family, m->i); break;
    default: is = m->image->lower != NULL; break;
    }
    return is == wanted;
}

static int match_id(const struct match *m, const char *key, const char *value, struct err *err)
{
    const char *hex = strncmp(value, "sha256:", 7) == 0 ? value + 7 : value;
    return strncmp(m->image->id, hex, strlen(hex)) == 0;
}

static int match_digest(const struct match *m, const char *key, const char *value, struct err *err)
{
    for (size_t i = 0; i < m->image->origins.len; i++)
        if (strstr(m->image->origins.v[i], value))
            return 1;
    return strstr(m->image->digest, value) != NULL;
}

static int match_label(const struct match *m, const char *key, const char *value, struct err *err)
{
    return filter_label(m->image->labels, value) == (key[5] != '!');
}

static const struct {
    const char *key;
    int (*fn)(const struct match *m, const char *key, const char *value, struct err *err);
} tests[] = {
    {"after", match_age},         {"before", match_age},          {"containers", match_bool},
    {"dangling", match_bool},     {"digest", match_digest},       {"id", match_id},
    {"intermediate", match_bool}, {"label", match_label},         {"label!", match_label},
    {"readonly", match_bool},     {"reference", match_reference}, {"since", match_age},
    {"until", match_until},
};
#define N_TESTS (sizeof(tests) / sizeof(*tests))

int image_filters_check(const struct strv *filters, struct err *err)
{
    const char *keys[N_TESTS + 1] = {0};
    for (size_t i = 0; i < N_TESTS; i++)
        keys[i] = tests[i].key;
    return filters_check(filters, keys, err);
}

static int match_one(void *arg, const char *key, const char *value, struct err *err)
{
    for (size_t i = 0; i < N_TESTS; i++)
        if (strcmp(tests[i].key, key) == 0)
            return tests[i].fn(arg, key, value, err);
    return 0; /* not after image_filters_check() */
}

int image_matches(struct engine *e, const struct image_family *f, size_t i,
                  const struct strv *filters, bool *ret, struct err *err)
{
    struct match m = {.engine = e, .family = f, .i = i, .image = &f->all[i]};
    return filters_match(filters, match_one, &m, ret, err);
}
