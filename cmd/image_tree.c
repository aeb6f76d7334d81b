/* SPDX-License-Identifier: Apache-2.0 */
/* wherry image tree: the layers of an image. */
#include "base/buf.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/human.h"
#include "engine/image.h"
#include "engine/image_find.h"
#include "spec/digest.h"

#include <stdio.h>

struct values {
    bool whole;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW(0, "whatrequires", values, whole, "Show all that is built on the image"),
    {0},
};

/* "[a b]" */
static void add_tags(const json_t *tags, struct buf *out)
{
    size_t i;
    json_t *tag;
    buf_add_char(out, '[');
    json_array_foreach ((json_t *)tags, i, tag)
        buf_printf(out, "%s%s", i ? " " : "", json_string_value(tag));
    buf_add_char(out, ']');
}

static void add_node(const json_t *node, const char *prefix, bool last, struct buf *out)
{
    char size[HUMAN_MAX];
    const json_t *tags = json_object_get(node, "Tags");
    buf_printf(
        out, "%s%s ID: %.12s Size: %7s", prefix, last ? "└──" : "├──",
        digest_hex(json_get_string(node, "Id", "")),
        human_size_long((uint64_t)json_integer_value(json_object_get(node, "Size")), "", size));
    if (json_array_size(tags)) {
        buf_add_str(out, " Top Layer of: ");
        add_tags(tags, out);
    }
    buf_add_char(out, '\n');
}

/* A chain of layers is one list, as podman shows it; where it branches, what follows is indented.
 */
static void add_nodes(const json_t *nodes, const char *prefix, struct buf *out)
{
    size_t n = json_array_size(nodes);
    for (size_t i = 0; i < n; i++) {
        const json_t *node = json_array_get(nodes, i);
        const json_t *children = json_object_get(node, "Children");
        bool last = i + 1 == n;
        while (n == 1 && json_array_size(children) == 1) {
            add_node(node, prefix, false, out);
            node = json_array_get(children, 0);
            children = json_object_get(node, "Children");
        }
        add_node(node, prefix, last, out);
        auto_buf deeper = {0};
        buf_printf(&deeper, "%s%s", prefix, last ? "    " : "│   ");
        add_nodes(children, buf_str(&deeper), out);
    }
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_image) struct store_image image = {0};
    auto_json json_t *tree = NULL;
    auto_buf out = {0};
    char size[HUMAN_MAX];
    int r = image_find(in->engine, args->v[0], &image, NULL, err);
    if (r == 0)
        r = image_tree(in->engine, &image, v->whole, &tree, err);
    if (r < 0)
        return r;
    buf_printf(&out, "Image ID: %.12s\nTags:     ", image.id);
    add_tags(json_object_get(tree, "Tags"), &out);
    buf_printf(&out, "\nSize:     %s\n", human_size_long((uint64_t)image.size, "", size));
    const json_t *layers = json_object_get(tree, "Layers");
    buf_add_str(&out, json_array_size(layers) ? "Image Layers\n" : "No Image Layers\n");
    add_nodes(layers, "", &out);
    puts(buf_str(&out));
    return 0;
}

const struct command cmd_image_tree = {
    .name = "tree",
    .usage = "[options] IMAGE",
    .summary = "Show the layers of an image",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
