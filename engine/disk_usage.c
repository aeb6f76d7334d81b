/* SPDX-License-Identifier: Apache-2.0 */
/* What images, containers and volumes take on the disk. */
#include "engine/disk_usage.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/container.h"
#include "engine/image_family.h"

#include <string.h>

struct total {
    json_int_t count, active;
    uint64_t size, reclaimable;
};

static json_t *total_row(const char *type, const struct total *t)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I}", "Type", type, "Total", t->count, "Active",
                     t->active, "RawSize", (json_int_t)t->size, "RawReclaimable",
                     (json_int_t)t->reclaimable);
}

/* --- images --------------------------------------------------------------------------------- */

/* {"layer": {"Size", "Images", "Active"}} of all images of our store. */
static json_t *count_layers(struct engine *e, const struct image_family *f)
{
    json_t *layers = json_object();
    for (size_t i = 0; i < f->n; i++) {
        if (f->all[i].lower)
            continue;
        bool active = image_containers(f, i) > 0;
        strv_foreach (&f->all[i].layers, id) {
            json_t *l = json_object_get(layers, id);
            int64_t size = 0;
            if (!l) {
                store_layer_size(&e->store, id, &size, NULL);
                l = json_pack("{s:I, s:i, s:b}", "Size", (json_int_t)size, "Images", 0, "Active",
                              0);
                json_put(layers, id, l);
            }
            json_put(l, "Images",
                     json_integer(json_integer_value(json_object_get(l, "Images")) + 1));
            if (active)
                json_put(l, "Active", json_true());
        }
    }
    return layers;
}

static json_t *image_usage(const struct image_family *f, size_t i, const json_t *layers)
{
    const struct store_image *image = &f->all[i];
    json_int_t shared = 0;
    strv_foreach ((struct strv *)&image->layers, id) {
        const json_t *l = json_object_get(layers, id);
        if (json_integer_value(json_object_get(l, "Images")) > 1)
            shared += json_integer_value(json_object_get(l, "Size"));
    }
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:I}", "Id", image->id, "Names",
                     json_from_strv(&image->names), "Created", (json_int_t)image->created, "Size",
                     (json_int_t)image->size, "SharedSize", shared, "UniqueSize",
                     (json_int_t)image->size - shared, "Containers",
                     (json_int_t)image_containers(f, i));
}

static int images_usage(struct engine *e, json_t *rows, struct total *total, struct err *err)
{
    auto_done(image_family) struct image_family f = {0};
    int r = image_family_load(e, false, &f, err);
    if (r < 0)
        return r;
    auto_json json_t *layers = count_layers(e, &f);
    const char *id;
    json_t *l;
    json_object_foreach (layers, id, l) {
        uint64_t size = (uint64_t)json_integer_value(json_object_get(l, "Size"));
        total->size += size;
        total->reclaimable += json_is_true(json_object_get(l, "Active")) ? 0 : size;
    }
    for (size_t i = f.n; i > 0; i--) { /* oldest first, as podman */
        if (f.all[i - 1].lower)
            continue;
        json_array_append_new(rows, image_usage(&f, i - 1, layers));
        total->count++;
        total->active += image_containers(&f, i - 1) > 0;
    }
    return 0;
}

/* --- containers and volumes ----------------------------------------------------------------- */

static int containers_usage(struct engine *e, json_t *rows, struct total *total, struct err *err)
{
    struct container_list_options o = {.all = true};
    auto_json json_t *list = NULL;
    int r = container_list(e, &o, &list, err);
    size_t i;
    json_t *row;
    json_array_foreach (list, i, row) {
        uint64_t size = 0;
        auto_free char *dir = xasprintf("containers/%s", json_get_string(row, "Id", ""));
        tree_size_at(e->store.root_fd, dir, &size);
        bool active = strcmp(json_get_string(row, "State", ""), "running") == 0;
        json_put(row, "Size", json_integer((json_int_t)size));
        json_array_append(rows, row);
        total->count++;
        total->active += active;
        total->size += size;
        total->reclaimable += active ? 0 : size;
    }
    return r;
}

static int volumes_usage(struct engine *e, json_t *rows, struct total *total, struct err *err)
{
    struct store_volume *all = NULL;
    size_t n = 0;
    auto_json json_t *users = NULL;
    int r = store_volume_users(&e->store, &users, err);
    if (r == 0)
        r = store_volume_list(&e->store, &all, &n, err);
    for (size_t i = 0; i < n; i++) {
        uint64_t size = 0;
        json_int_t links = (json_int_t)json_array_size(json_object_get(users, all[i].name));
        tree_size_at(all[i].fd, "_data", &size);
        json_array_append_new(rows, json_pack("{s:s, s:I, s:I}", "VolumeName", all[i].name, "Links",
                                              links, "Size", (json_int_t)size));
        total->count++;
        total->active += links > 0;
        total->size += size;
        total->reclaimable += links > 0 ? 0 : size;
    }
    store_volume_list_done(all, n);
    return r;
}

int disk_usage(struct engine *e, json_t **ret, struct err *err)
{
    auto_json json_t *images = json_array(), *containers = json_array(), *volumes = json_array();
    struct total i = {0}, c = {0}, v = {0};
    int r = images_usage(e, images, &i, err);
    if (r == 0)
        r = containers_usage(e, containers, &c, err);
    if (r == 0)
        r = volumes_usage(e, volumes, &v, err);
    if (r == 0)
        *ret = json_pack("{s:O, s:O, s:O, s:[o, o, o]}", "Images", images, "Containers", containers,
                         "Volumes", volumes, "Sum", total_row("Images", &i),
                         total_row("Containers", &c), total_row("Local Volumes", &v));
    return r;
}
