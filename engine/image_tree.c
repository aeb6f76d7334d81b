/* SPDX-License-Identifier: Apache-2.0 */
/* `image tree`: the layers of an image, and of what is built on it.
 *
 * Theory of operation. All images together are a tree of layers: a node for each sequence of
 * layers that some image begins with. It is made once, from the lists of layers alone. */
#include "engine/image.h"

#include "base/alloc.h"
#include "base/json.h"

#include <string.h>

/* A node is {"Id", "Size", "Tags", "Children"}. */
static json_t *new_node(struct engine *e, const char *diff_id)
{
    int64_t size = 0;
    store_layer_size(&e->store, diff_id, &size, NULL);
    return json_pack("{s:s, s:I, s:[], s:[]}", "Id", diff_id, "Size", (json_int_t)size, "Tags",
                     "Children");
}

/* The node of this layer among the children, which is made when there is none. Borrowed. */
static json_t *child_node(struct engine *e, json_t *children, const char *diff_id)
{
    size_t i;
    json_t *child;
    json_array_foreach (children, i, child)
        if (strcmp(json_get_string(child, "Id", ""), diff_id) == 0)
            return child;
    child = new_node(e, diff_id);
    json_array_append_new(children, child);
    return child;
}

static void add_image(struct engine *e, json_t *roots, const struct store_image *image)
{
    json_t *children = roots, *node = NULL;
    for (size_t i = 0; i < image->layers.len; i++) {
        node = child_node(e, children, image->layers.v[i]);
        children = json_object_get(node, "Children");
    }
    auto_json json_t *names = json_from_strv(&image->names);
    if (node)
        json_array_extend(json_object_get(node, "Tags"), names);
}

static bool starts_with(const struct store_image *image, const struct strv *layers)
{
    if (image->layers.len < layers->len)
        return false;
    for (size_t i = 0; i < layers->len; i++)
        if (strcmp(image->layers.v[i], layers->v[i]) != 0)
            return false;
    return true;
}

/* With `whole` what is built on the image; else what it is built on. */
static bool belongs(const struct store_image *of, const struct store_image *other, bool whole)
{
    return whole ? starts_with(other, &of->layers) : starts_with(of, &other->layers);
}

int image_tree(struct engine *e, const struct store_image *image, bool whole, json_t **ret,
               struct err *err)
{
    struct store_image *all = NULL;
    size_t n = 0;
    int r = store_image_list(&e->store, &all, &n, err);
    if (r < 0)
        return r;
    json_t *roots = json_array();
    for (size_t i = n; i > 0; i--) /* oldest first */
        if (belongs(image, &all[i - 1], whole))
            add_image(e, roots, &all[i - 1]);
    store_image_list_done(all, n);
    *ret = json_pack("{s:s, s:o, s:I, s:o}", "Id", image->id, "Tags", json_from_strv(&image->names),
                     "Size", (json_int_t)image->size, "Layers", roots);
    return 0;
}
