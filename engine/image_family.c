/* SPDX-License-Identifier: Apache-2.0 */
/* Which image was made from which. */
#include "engine/image_family.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/container.h"

#include <string.h>

/* The history as lines to compare: one allocation an image instead of its whole configuration. */
static void read_history(struct engine *e, const struct store_image *image, struct strv *ret)
{
    auto_done(image_config) struct image_config config = {0};
    if (store_image_config(&e->store, image, &config, NULL, NULL) < 0)
        return; /* damaged meanwhile: it belongs to nobody */
    for (size_t i = 0; i < config.n_history; i++) {
        const struct image_history *h = &config.history[i];
        strv_addf(ret, "%s\n%s", h->created ? h->created : "", h->created_by ? h->created_by : "");
    }
}

static bool begins_with(const struct strv *all, const struct strv *begin)
{
    if (begin->len > all->len)
        return false;
    for (size_t i = 0; i < begin->len; i++)
        if (strcmp(all->v[i], begin->v[i]) != 0)
            return false;
    return true;
}

/* A history without an entry tells nothing: such an image is nobody's parent. */
static bool is_made_from(const struct store_image *child, const struct strv *child_history,
                         const struct store_image *parent, const struct strv *parent_history)
{
    return parent_history->len > 0 && parent_history->len < child_history->len &&
           begins_with(&child->layers, &parent->layers) &&
           begins_with(child_history, parent_history);
}

static void relate(struct engine *e, struct image_family *f)
{
    auto_free struct strv *histories = xcalloc(f->n, sizeof(*histories));
    for (size_t i = 0; i < f->n; i++)
        read_history(e, &f->all[i], &histories[i]);
    for (size_t i = 0; i < f->n; i++) {
        size_t best = NO_PARENT;
        for (size_t j = 0; j < f->n; j++)
            if (is_made_from(&f->all[i], &histories[i], &f->all[j], &histories[j]) &&
                (best == NO_PARENT || histories[j].len > histories[best].len))
                best = j;
        f->parent[i] = best;
        if (best != NO_PARENT)
            f->children[best]++;
    }
    for (size_t i = 0; i < f->n; i++)
        strv_done(&histories[i]);
}

int image_family_load(struct engine *e, bool relations, struct image_family *ret, struct err *err)
{
    auto_done(image_family) struct image_family f = {0};
    int r = container_counts(e, &f.counts, err);
    if (r == 0)
        r = store_image_list(&e->store, &f.all, &f.n, err);
    if (r < 0)
        return r;
    f.parent = xcalloc(f.n, sizeof(*f.parent));
    f.children = xcalloc(f.n, sizeof(*f.children));
    for (size_t i = 0; i < f.n; i++) {
        f.parent[i] = NO_PARENT;
        relations |= f.all[i].names.len == 0;
    }
    if (relations)
        relate(e, &f);
    *ret = f;
    f = (struct image_family){0};
    return 0;
}

void image_family_done(struct image_family *f)
{
    store_image_list_done(f->all, f->n);
    free(f->parent);
    free(f->children);
    json_decref(f->counts);
    *f = (struct image_family){0};
}

bool image_is_dangling(const struct image_family *f, size_t i)
{
    return f->all[i].names.len == 0 && f->children[i] == 0;
}

bool image_is_intermediate(const struct image_family *f, size_t i)
{
    return f->all[i].names.len == 0 && f->children[i] > 0;
}

int64_t image_containers(const struct image_family *f, size_t i)
{
    return json_integer_value(json_object_get(f->counts, f->all[i].id));
}

char *image_parent_id(struct engine *e, const struct store_image *image)
{
    auto_done(image_family) struct image_family f = {0};
    if (image_family_load(e, true, &f, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < f.n; i++)
        if (strcmp(f.all[i].digest, image->digest) == 0 && f.parent[i] != NO_PARENT)
            return xstrdup(f.all[f.parent[i]].id);
    return NULL;
}
