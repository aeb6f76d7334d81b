/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what nobody needs, or everything. */
#include "engine/prune.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/when.h"
#include "engine/container.h"
#include "engine/filter.h"
#include "engine/image.h"
#include "engine/image_mount.h"
#include "engine/state.h"
#include "engine/volume.h"

#include <stdio.h>
#include <string.h>

void prune_result_done(struct prune_result *r)
{
    strv_done(&r->containers);
    strv_done(&r->volumes);
    strv_done(&r->images);
}

int prune_check_filters(const struct strv *filters, struct err *err)
{
    static const char *const keys[] = {"label", "label!", "until", NULL};
    return filters_check(filters, keys, err);
}

static int match_container(void *arg, const char *key, const char *value, struct err *err)
{
    const struct store_container *c = arg;
    const json_t *labels = json_object_get(json_object_get(c->config, "Config"), "Labels");
    struct timespec t;
    if (*key == 'l')
        return filter_label(labels, value) == (key[5] != '!');
    int r = when_parse(value, time_now(), &t, err);
    return r < 0 ? r : state_get_time(c->config, "Created").tv_sec < t.tv_sec;
}

/* One that is started or removed meanwhile is no error. */
static int prune_container(struct engine *e, struct store_container *c,
                           const struct prune_options *o, struct prune_result *ret, struct err *err)
{
    bool match = false;
    struct err one = {0};
    uint64_t size = 0;
    if (container_is_up(c))
        return 0;
    int r = filters_match(o->filters, match_container, c, &match, err);
    if (r < 0 || !match)
        return r;
    tree_size_at(c->fd, ".", &size);
    r = container_remove(e, c, false, 0, &one);
    if (r == 0) {
        strv_add(&ret->containers, c->id);
        ret->bytes += size;
    }
    if (r == 0 || one.kind == ERR_IN_USE || one.kind == ERR_NOT_FOUND)
        return 0;
    if (err)
        *err = one;
    return r;
}

int prune_containers(struct engine *e, const struct prune_options *o, struct prune_result *ret,
                     struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0;
    int r = store_container_list(&e->store, &all, &n, err);
    for (size_t i = n; i-- > 0;) { /* newest first: nothing depends on what came later */
        if (r == 0)
            r = prune_container(e, &all[i], o, ret, err);
        store_container_done(&all[i]);
    }
    free(all);
    return r;
}

int prune_all(struct engine *e, const struct prune_options *o, struct prune_result *ret,
              struct err *err)
{
    struct image_prune_options io = {.all = o->all, .filters = o->filters};
    uint64_t bytes = 0;
    int r = prune_containers(e, o, ret, err);
    if (r == 0 && o->volumes)
        r = volume_prune(e, o->filters, &ret->volumes, &ret->bytes, err);
    if (r == 0)
        r = image_prune(e, &io, &ret->images, &bytes, err);
    ret->bytes += bytes;
    return r < 0 ? r : store_collect_garbage(&e->store, err);
}

/* --- reset ---------------------------------------------------------------------------------- */

static int remove_containers(struct engine *e, struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0;
    int r = store_container_list(&e->store, &all, &n, err);
    for (size_t i = n; i-- > 0;) {
        if (r == 0)
            r = container_remove(e, &all[i], true, 0, err);
        store_container_done(&all[i]);
    }
    free(all);
    return r;
}

static int unmount_images(struct engine *e, struct err *err)
{
    auto_done(overlay_mounts) struct overlay_mounts all = {0};
    bool was;
    int r = overlay_mounts_list(e, OVERLAY_MOUNTS_IMAGES, &all, err);
    for (size_t i = 0; i < all.n && r == 0; i++)
        r = image_unmount(e, all.v[i].id, true, &was, err);
    return r;
}

int reset_all(struct engine *e, struct err *err)
{
    int r = remove_containers(e, err);
    if (r == 0)
        r = unmount_images(e, err);
    return r < 0 ? r : store_remove_all(&e->store, err);
}
