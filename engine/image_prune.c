/* SPDX-License-Identifier: Apache-2.0 */
/* `image prune`. */
#include "engine/image.h"

#include "base/alloc.h"
#include "engine/container.h"
#include "engine/events.h"
#include "engine/image_family.h"
#include "engine/image_mount.h"

#include <string.h>

/* Which images the filters and the kind of pruning mean; children count as gone that were removed
 * before. */
static int is_meant(struct engine *e, const struct image_family *f, size_t i,
                    const struct image_prune_options *o, bool *ret, struct err *err)
{
    *ret = false;
    if (f->all[i].lower || image_containers(f, i) > 0)
        return 0;
    if (!o->all && !image_is_dangling(f, i))
        return 0;
    return image_matches(e, f, i, o->filters, ret, err);
}

struct unused {
    struct engine *engine;
    const char *id;
};

/* A container may have been made since the images were looked at. */
static int check_unused(void *arg, struct err *err)
{
    const struct unused *u = arg;
    auto_strv users = {0};
    int r = container_users_of_image(u->engine, u->id, &users, err);
    return r == 0 && (users.len || image_is_mounted(u->engine, u->id))
               ? err_kind(err, ERR_IN_USE, -EBUSY, "in use")
               : r;
}

/* Whether it was removed; that somebody uses it now, or removed it, is no error. */
static int remove_one(struct engine *e, const struct store_image *image, bool *ret_removed,
                      struct err *err)
{
    struct unused u = {.engine = e, .id = image->id};
    struct err one = {0};
    int r = store_image_remove(&e->store, image, check_unused, &u, &one);
    *ret_removed = r == 0;
    if (r == 0 || one.kind == ERR_IN_USE || one.kind == ERR_NOT_FOUND)
        return 0;
    if (err)
        *err = one;
    return r;
}

/* One round, youngest first; *ret_more: something went, so another may be free now. */
static int prune_round(struct engine *e, struct image_family *f, bool *gone,
                       const struct image_prune_options *o, struct strv *ret_ids, bool *ret_more,
                       struct err *err)
{
    *ret_more = false;
    for (size_t i = 0; i < f->n; i++) {
        bool meant = false, removed = false;
        int r = gone[i] ? 0 : is_meant(e, f, i, o, &meant, err);
        if (r == 0 && meant)
            r = remove_one(e, &f->all[i], &removed, err);
        if (r < 0)
            return r;
        if (!removed)
            continue;
        gone[i] = true;
        *ret_more = true;
        event_image(&e->store, "remove", f->all[i].id, NULL);
        strv_add(ret_ids, f->all[i].id);
        if (f->parent[i] != NO_PARENT)
            f->children[f->parent[i]]--;
    }
    return 0;
}

int image_prune(struct engine *e, const struct image_prune_options *o, struct strv *ret_ids,
                uint64_t *ret_bytes, struct err *err)
{
    auto_done(image_family) struct image_family f = {0};
    uint64_t before = 0, after = 0;
    int r = image_filters_check(o->filters, err);
    if (r == 0)
        r = store_blobs_size(&e->store, &before, err);
    if (r == 0)
        r = image_family_load(e, true, &f, err);
    if (r < 0)
        return r;
    auto_free bool *gone = xcalloc(f.n, sizeof(*gone));
    for (bool more = true; r == 0 && more;)
        r = prune_round(e, &f, gone, o, ret_ids, &more, err);
    if (r == 0)
        r = store_blobs_size(&e->store, &after, err);
    if (r == 0)
        *ret_bytes = before > after ? before - after : 0;
    return r;
}
