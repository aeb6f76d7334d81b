/* SPDX-License-Identifier: Apache-2.0 */
/* wherry image mount, image unmount: images as read-only directories. */
#include "engine/image_mount.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/list.h"
#include "engine/image_find.h"

#include <stdio.h>
#include <string.h>

struct values {
    bool all, force;
    char *format;
};

static const struct opt mount_opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Mount all images"),
    OPT_STRING_ROW(0, "format", values, format, "json", "Print as JSON"),
    {0},
};

static const struct opt unmount_opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Unmount all images"),
    OPT_BOOL_ROW('f', "force", values, force, "Unmount also what is in use"),
    {0},
};

/* --- mount ---------------------------------------------------------------------------------- */

/* A row for each name of the image; for one without names, its digest. */
static json_t *row(const struct store_image *image, const char *path)
{
    return json_pack("{s:s, s:[s], s:o, s:s}", "id", image->id, "Names", image->digest,
                     "Repositories", json_from_strv(&image->names), "mountpoint", path);
}

/* "docker.io/library/a:latest  /run/..." for each name. */
static json_t *lines_of(const json_t *rows)
{
    json_t *lines = json_array(), *r, *name;
    size_t i, j;
    json_array_foreach ((json_t *)rows, i, r) {
        json_t *path = json_object_get(r, "mountpoint"),
               *names = json_object_get(r, "Repositories");
        if (json_array_size(names) == 0)
            json_array_append_new(lines, json_pack("{s:s, s:O}", "Name", "<none>", "Path", path));
        json_array_foreach (names, j, name)
            json_array_append_new(lines, json_pack("{s:O, s:O}", "Name", name, "Path", path));
    }
    return lines;
}

static int print_rows(const json_t *rows, const struct values *v, struct err *err)
{
    static const struct list_view view = {.standard = "table {{.Name}}\t{{.Path}}", .indent = 1};
    struct list_options lo = {.format = v->format, .no_heading = true};
    auto_json json_t *lines = v->format ? json_incref((json_t *)rows) : lines_of(rows);
    return json_array_size(rows) || v->format ? list_print(stdout, lines, &view, &lo, err) : 0;
}

static int list_mounts(struct invocation *in, json_t *rows, struct err *err)
{
    auto_done(overlay_mounts) struct overlay_mounts all = {0};
    int r = overlay_mounts_list(in->engine, OVERLAY_MOUNTS_IMAGES, &all, err);
    for (size_t i = 0; i < all.n; i++) {
        auto_done(store_image) struct store_image image = {0};
        if (store_image_find(&in->engine->store, all.v[i].id, &image, NULL) == 0)
            json_array_append_new(rows, row(&image, all.v[i].path));
    }
    return r;
}

static int mount_one(struct invocation *in, const char *name, json_t *rows, struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    auto_free char *path = NULL;
    int r = image_find(in->engine, name, &image, NULL, err);
    if (r == 0)
        r = image_mount(in->engine, &image, &path, err);
    if (r == 0)
        json_array_append_new(rows, row(&image, path));
    return r;
}

static int mount_all(struct invocation *in, json_t *rows, struct err *err)
{
    struct store_image *all = NULL;
    size_t n = 0;
    int r = store_image_list(&in->engine->store, &all, &n, err);
    for (size_t i = 0; i < n && r == 0; i++)
        r = mount_one(in, all[i].id, rows, err);
    store_image_list_done(all, n);
    return r;
}

static int run_mount(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *rows = json_array();
    int r = 0;
    if (v->format && strcmp(v->format, "json") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "unknown --format argument: \"%s\"", v->format);
    if (v->all && args->len)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "when using the --all switch, you may not pass any image names or IDs");
    if (v->all)
        r = mount_all(in, rows, err);
    else if (args->len == 0)
        r = list_mounts(in, rows, err);
    for (size_t i = 0; i < args->len && r == 0; i++)
        r = mount_one(in, args->v[i], rows, err);
    if (r == 0 && args->len == 1 && !v->format) {
        puts(json_get_string(json_array_get(rows, 0), "mountpoint", ""));
        return 0;
    }
    return r < 0 ? r : print_rows(rows, v, err);
}

const struct command cmd_image_mount = {
    .name = "mount",
    .usage = "[options] [IMAGE...]",
    .summary = "Mount images, read-only, and print where",
    .details = "Without an image, lists what is mounted. Files belong to you there, whoever owns "
               "them in the\nimage, so that you can read them. The mount is everybody's of yours, "
               "until `image unmount`.",
    .opts = mount_opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run_mount,
};

/* --- unmount -------------------------------------------------------------------------------- */

static int unmount_id(struct invocation *in, const char *id, bool force, struct err *err)
{
    bool was = false;
    int r = image_unmount(in->engine, id, force, &was, err);
    if (r == 0 && was)
        puts(id);
    return r;
}

static int unmount_all(struct invocation *in, bool force, struct err *err)
{
    auto_done(overlay_mounts) struct overlay_mounts all = {0};
    int r = overlay_mounts_list(in->engine, OVERLAY_MOUNTS_IMAGES, &all, err);
    for (size_t i = 0; i < all.n && r == 0; i++)
        r = unmount_id(in, all.v[i].id, force, err);
    return r;
}

static int run_unmount(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    if (v->all == (args->len > 0))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->all ? "when using the --all switch, you may not pass any image names or "
                                 "IDs"
                               : "image name or ID must be specified");
    int r = v->all ? unmount_all(in, v->force, err) : 0;
    for (size_t i = 0; i < args->len && r == 0; i++) {
        auto_done(store_image) struct store_image image = {0};
        r = image_find(in->engine, args->v[i], &image, NULL, err);
        if (r == 0)
            r = unmount_id(in, image.id, v->force, err);
    }
    return r;
}

const struct command cmd_image_unmount = {
    .name = "unmount",
    .usage = "[options] IMAGE [IMAGE...]",
    .summary = "Unmount images",
    .opts = unmount_opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run_unmount,
};
