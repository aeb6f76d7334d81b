/* SPDX-License-Identifier: Apache-2.0 */
/* wherry mount, unmount: root file systems of containers as directories. */
#include "engine/container_mount.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/list.h"
#include "cmd/select.h"
#include "engine/overlay_mounts.h"

#include <stdio.h>
#include <string.h>

/* --- mount ---------------------------------------------------------------------------------- */

struct mount_values {
    bool all, latest, no_trunc;
    char *format;
    json_t *rows; /* of what was asked for */
};

static const struct opt mount_opts[] = {
    OPT_BOOL_ROW('a', "all", mount_values, all, "Mount all containers that do not run"),
    OPT_STRING_ROW(0, "format", mount_values, format, "json", "Print as JSON"),
    OPT_BOOL_ROW('l', "latest", mount_values, latest, "Mount the newest container"),
    OPT_BOOL_ROW(0, "no-trunc", mount_values, no_trunc, "Print whole IDs"),
    {0},
};

static json_t *row(const struct store_container *c, const char *path)
{
    return json_pack("{s:s, s:[s], s:s}", "id", c->id, "Names", c->name, "mountpoint", path);
}

static int mount_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                     struct err *err)
{
    struct mount_values *v = arg;
    auto_free char *path = NULL;
    int r = container_mount(in->engine, c, &path, err);
    if (r == 0)
        json_array_append_new(v->rows, row(c, path));
    return r;
}

static int list_mounted(struct invocation *in, json_t *rows, struct err *err)
{
    auto_done(overlay_mounts) struct overlay_mounts all = {0};
    int r = overlay_mounts_list(in->engine, OVERLAY_MOUNTS_CONTAINERS, &all, err);
    for (size_t i = 0; i < all.n; i++) {
        auto_done(store_container) struct store_container c = {0};
        if (store_container_find(&in->engine->store, all.v[i].id, &c, NULL) == 0)
            json_array_append_new(rows, row(&c, all.v[i].path));
    }
    return r;
}

static int print_rows(const struct mount_values *v, struct err *err)
{
    static const struct list_view view = {.standard = "table {{.Short}}\t{{.Path}}", .indent = 1};
    struct list_options lo = {.format = v->format, .no_heading = true};
    auto_json json_t *lines = v->format ? json_incref(v->rows) : json_array();
    size_t i;
    json_t *one;
    json_array_foreach (v->rows, i, one) {
        if (v->format)
            break;
        const char *id = json_get_string(one, "id", "");
        json_array_append_new(lines, json_pack("{s:s%, s:O}", "Short", id,
                                               v->no_trunc ? strlen(id) : (size_t)ID_SHORT_LEN,
                                               "Path", json_object_get(one, "mountpoint")));
    }
    return json_array_size(lines) || v->format ? list_print(stdout, lines, &view, &lo, err) : 0;
}

static int run_mount(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    struct mount_values *v = values;
    struct select_values select = {.all = v->all, .latest = v->latest};
    bool any = v->all || v->latest || args->len > 0;
    auto_json json_t *rows = json_array();
    auto_strv names = {0};
    v->rows = rows;
    if (v->format && strcmp(v->format, "json") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "unknown --format argument: \"%s\"", v->format);
    int r = any ? select_containers(in, &select, args, CONTAINER_DOWN, false, &names, err)
                : list_mounted(in, rows, err);
    if (r == 0 && any)
        r = each_container(in, &names, false, mount_one, v, err);
    if (r < 0)
        return r;
    if (args->len == 1 && !v->format) {
        puts(json_get_string(json_array_get(rows, 0), "mountpoint", ""));
        return 0;
    }
    return print_rows(v, err);
}

const struct command cmd_mount = {
    .name = "mount",
    .usage = "[options] [CONTAINER...]",
    .summary = "Mount the root file systems of containers, and print where",
    .details = "Without a container, lists what is mounted. Works in `wherry unshare`, where the "
               "owners of files are\nthe container's, and as long as that lasts; for containers "
               "that do not run.\n\n"
               "Example:\n"
               "  wherry unshare sh -c 'cp -a data $(wherry mount work)/srv'\n",
    .opts = mount_opts,
    .values_size = sizeof(struct mount_values),
    .max_args = -1,
    .run = run_mount,
};

/* --- unmount -------------------------------------------------------------------------------- */

struct unmount_values {
    bool all, force, latest;
};

static const struct opt unmount_opts[] = {
    OPT_BOOL_ROW('a', "all", unmount_values, all, "Unmount all containers"),
    OPT_BOOL_ROW('f', "force", unmount_values, force, "Unmount also what is in use"),
    OPT_BOOL_ROW('l', "latest", unmount_values, latest, "Unmount the newest container"),
    {0},
};

static int unmount_one(struct invocation *in, struct store_container *c, const char *name,
                       void *arg, struct err *err)
{
    const struct unmount_values *v = arg;
    bool was = false;
    int r = container_unmount(in->engine, c, v->force, &was, err);
    if (r == 0 && !was && !v->all)
        return err_set(err, -EINVAL, "container %s is not mounted", c->name);
    if (r == 0 && was)
        puts(c->id);
    return r;
}

static int run_unmount(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct unmount_values *v = values;
    struct select_values select = {.all = v->all, .latest = v->latest};
    auto_strv names = {0};
    int r = select_containers(in, &select, args, ~0u, false, &names, err);
    return r < 0 ? r : each_container(in, &names, false, unmount_one, values, err);
}

const struct command cmd_unmount = {
    .name = "unmount",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Unmount the root file systems of containers",
    .opts = unmount_opts,
    .values_size = sizeof(struct unmount_values),
    .max_args = -1,
    .run = run_unmount,
};
