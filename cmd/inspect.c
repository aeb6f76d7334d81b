/* SPDX-License-Identifier: Apache-2.0 */
/* wherry inspect: all that is known of containers, images and volumes, as JSON. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/list.h"
#include "engine/container.h"
#include "engine/image.h"
#include "engine/image_find.h"
#include "engine/volume.h"

#include <stdio.h>
#include <string.h>

struct values {
    char *format, *type;
    bool latest, size;
};

#define LATEST_ROW OPT_BOOL_ROW('l', "latest", values, latest, "The newest container")
#define SIZE_ROW                                                                                   \
    OPT_BOOL_ROW('s', "size", values, size, "Show how much a container wrote (SizeRw, SizeRootFs)")

static const struct opt opts_of_image[] = {
    OPT_STRING_ROW('f', "format", values, format, "TEMPLATE", "Print by a Go template"),
    {0},
};

static const struct opt opts_of_container[] = {
    OPT_STRING_ROW('f', "format", values, format, "TEMPLATE", "Print by a Go template"),
    LATEST_ROW,
    SIZE_ROW,
    {0},
};

static const struct opt opts[] = {
    OPT_STRING_ROW('f', "format", values, format, "TEMPLATE", "Print by a Go template"),
    LATEST_ROW,
    SIZE_ROW,
    {.type = OPT_CHOICE,
     .letter = 't',
     .name = "type",
     .offset = offsetof(struct values, type),
     .value = "TYPE",
     .help = "container, image, volume or all (default: all, in this order)",
     .choices = "container|image|volume|all"},
    {0},
};

static int inspect_container(struct invocation *in, const char *name, bool size, json_t **ret,
                             struct err *err)
{
    auto_done(store_container) struct store_container c = {0};
    int r = store_container_find(&in->engine->store, name, &c, err);
    if (r == 0)
        r = container_inspect(in->engine, &c, ret, err);
    if (r == 0 && size) {
        auto_json json_t *bytes = container_size(in->engine, &c);
        json_object_set(*ret, "SizeRw", json_object_get(bytes, "rwSize"));
        json_object_set(*ret, "SizeRootFs", json_object_get(bytes, "rootFsSize"));
    }
    return r;
}

static int inspect_image(struct invocation *in, const char *name, json_t **ret, struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    int r = image_find(in->engine, name, &image, NULL, err);
    return r < 0 ? r : image_inspect(in->engine, &image, ret, err);
}

static int inspect_one(struct invocation *in, const char *type, const char *name, bool size,
                       json_t **ret, struct err *err)
{
    if (strcmp(type, "image") == 0)
        return inspect_image(in, name, ret, err);
    if (strcmp(type, "volume") == 0)
        return volume_inspect(in->engine, name, ret, err);
    int r = inspect_container(in, name, size, ret, err);
    if (r == 0 || strcmp(type, "container") == 0 || err->kind != ERR_NOT_FOUND)
        return r;
    r = inspect_image(in, name, ret, err);
    if (r < 0 && err->kind == ERR_NOT_FOUND)
        r = volume_inspect(in->engine, name, ret, err);
    if (r < 0 && err->kind == ERR_NOT_FOUND)
        return err_kind(err, ERR_NOT_FOUND, r, "no such object: \"%s\"", name);
    return r;
}

static int check(const struct values *v, const char *type, const struct strv *names,
                 struct err *err)
{
    bool containers = strcmp(type, "container") == 0 || strcmp(type, "all") == 0;
    if ((v->latest || v->size) && !containers)
        return err_kind(err, ERR_USAGE, -EINVAL, "%s is not supported for type \"%s\"",
                        v->latest ? "latest" : "size", type);
    if (v->latest != (names->len == 0))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->latest ? "--latest and arguments cannot be used together"
                                  : "names or ids must be given");
    return 0;
}

/* What was found is printed even when something else was not; "[]" when nothing was. */
static int inspect_all(struct invocation *in, const struct values *v, const char *type,
                       struct strv *names, struct err *err)
{
    auto_json json_t *found = json_array();
    int result = check(v, type, names, err);
    if (result == 0 && v->latest)
        result = each_latest(in, names, err);
    if (result < 0)
        return result;
    strv_foreach (names, name) {
        json_t *one = NULL;
        struct err failed = {0};
        int r = inspect_one(in, type, name, v->size, &one, &failed);
        if (r == 0) {
            json_array_append_new(found, one);
            continue;
        }
        each_failed(r, &failed, &result, err);
    }
    return inspect_print_found(found, v->format, result, err);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    return inspect_all(in, v, v->type ? v->type : "all", args, err);
}

static int run_container(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return inspect_all(in, values, "container", args, err);
}

static int run_image(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return inspect_all(in, values, "image", args, err);
}

#define INSPECT(variable, objects, about, table, function)                                         \
    const struct command variable = {                                                              \
        .name = "inspect",                                                                         \
        .usage = "[options] " objects,                                                             \
        .summary = "Show all that is known of " about,                                             \
        .opts = table,                                                                             \
        .values_size = sizeof(struct values),                                                      \
        .max_args = -1,                                                                            \
        .run = function,                                                                           \
    }

INSPECT(cmd_inspect, "OBJECT [OBJECT...]", "containers, images or volumes", opts, run);
INSPECT(cmd_container_inspect, "CONTAINER [CONTAINER...]", "a container", opts_of_container,
        run_container);
INSPECT(cmd_image_inspect, "IMAGE [IMAGE...]", "an image", opts_of_image, run_image);
