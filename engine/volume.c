/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: create, inspect, remove, prune. */
#include "engine/volume.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "engine/container.h"
#include "engine/events.h"
#include "engine/filter.h"
#include "engine/state.h"
#include "engine/volume_mount.h"
#include "engine/volume_options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- create --------------------------------------------------------------------------------- */

/* Links in the path of a device are resolved here, once, as -v does. */
static int make_options(const struct strv *words, json_t *options, struct err *err)
{
    auto_done(volume_options) struct volume_options parsed = {0};
    json_put_assignments(options, words);
    int r = volume_options_parse(options, &parsed, err);
    if (r < 0 || parsed.kind != VOLUME_BIND)
        return r;
    auto_free char *device = realpath(parsed.device, NULL);
    struct stat st;
    if (!device || stat(device, &st) < 0)
        return err_errno(err, -errno, "invalid volume option device for driver 'local': %s",
                         parsed.device);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, -ENOTDIR,
                       "invalid volume option device for driver 'local': %s is no "
                       "directory",
                       device);
    json_put_string(options, "device", device);
    return 0;
}

int volume_create(struct engine *e, const struct volume_create_options *o, char **ret_name,
                  struct err *err)
{
    char id[ID_HEX_LEN + 1], now[36];
    id_random(id);
    const char *name = o->name ? o->name : id;
    json_t *labels = json_object();
    auto_json json_t *options = json_object();
    int r = make_options(o->options, options, err);
    if (r < 0) {
        json_decref(labels);
        return r;
    }
    json_put_assignments(labels, o->labels);
    auto_json json_t *config =
        json_pack("{s:s, s:s, s:s, s:o, s:O}", "Name", name, "Driver", "local", "CreatedAt",
                  time_format(time_now(), now), "Labels", labels, "Options", options);
    if (!config) /* not UTF-8 */
        return err_kind(err, ERR_USAGE, -EINVAL, "the volume's name is not valid");
    if (o->anonymous)
        json_put(config, "Anonymous", json_true());
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    r = store_volume_create(&e->store, config, o->durable, &v, err);
    if (r == 0)
        event_volume(&e->store, "create", name);
    if (r == 0)
        *ret_name = xstrdup(name);
    return r;
}

/* --- what is known of them ------------------------------------------------------------------ */

/* {"volume": {"users": n, "running": n}} */
static int count_uses(struct engine *e, json_t **ret, struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0, j;
    json_t *mount, *counts = json_object();
    int r = store_container_list(&e->store, &all, &n, err);
    for (size_t i = 0; i < n; i++) {
        bool runs = container_is_up(&all[i]);
        json_array_foreach (json_object_get(all[i].config, "Mounts"), j, mount) {
            const char *name = json_get_string(mount, "Name", NULL);
            if (!name)
                continue;
            const json_t *old = json_object_get(counts, name);
            json_put(counts, name,
                     json_pack("{s:I, s:I}", "users", state_get_int(old, "users") + 1, "running",
                               state_get_int(old, "running") + runs));
        }
        store_container_done(&all[i]);
    }
    free(all);
    if (r < 0)
        json_decref(counts);
    else
        *ret = counts;
    return r;
}

/* What is wrong in a volume.json is told by whoever uses the volume. */
static void put_options(json_t *o, const json_t *options)
{
    auto_done(volume_options) struct volume_options parsed = {.uid = -1, .gid = -1};
    json_put(o, "Options", json_is_object(options) ? json_deep_copy(options) : json_object());
    volume_options_parse(options, &parsed, NULL);
    if (parsed.uid >= 0)
        json_put(o, "UID", json_integer(parsed.uid));
    if (parsed.gid >= 0)
        json_put(o, "GID", json_integer(parsed.gid));
}

static json_t *row(const struct store_volume *v, const json_t *uses)
{
    bool fresh = exists_at(v->fd, "fresh");
    const json_t *labels = json_object_get(v->config, "Labels");
    json_t *o = json_object();
    json_put_string(o, "Name", v->name);
    json_put_string(o, "Driver", json_get_string(v->config, "Driver", "local"));
    json_put(o, "Mountpoint", json_sprintf("%s/_data", v->path));
    json_put_string(o, "CreatedAt", json_get_string(v->config, "CreatedAt", ""));
    json_put(o, "Labels", labels ? json_deep_copy(labels) : json_object());
    json_put_string(o, "Scope", "local");
    put_options(o, json_object_get(v->config, "Options"));
    if (json_is_true(json_object_get(v->config, "Anonymous")))
        json_put(o, "Anonymous", json_true());
    json_put(o, "MountCount",
             json_integer(state_get_int(json_object_get(uses, v->name), "running")));
    json_put(o, "NeedsCopyUp", json_boolean(fresh));
    json_put(o, "NeedsChown", json_boolean(fresh));
    return o;
}

int volume_inspect(struct engine *e, const char *name, json_t **ret, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    auto_json json_t *uses = NULL;
    int r = store_volume_find(&e->store, name, &v, err);
    if (r == 0)
        r = count_uses(e, &uses, err);
    if (r == 0)
        *ret = row(&v, uses);
    return r;
}

/* --- filters -------------------------------------------------------------------------------- */

struct match {
    struct engine *e;
    const struct store_volume *v;
    bool used;
};

static struct timespec created(const struct store_volume *v)
{
    return state_get_time(v->config, "CreatedAt");
}

static int match_until(const struct match *m, const char *value, struct err *err)
{
    struct timespec t;
    int r = when_parse(value, time_now(), &t, err);
    return r < 0 ? r : when_compare(created(m->v), t) < 0;
}

static int match_since(const struct match *m, const char *name, struct err *err)
{
    auto_done(store_volume) struct store_volume other = {.fd = -1};
    int r = store_volume_find(&m->e->store, name, &other, err);
    return r < 0 ? r : when_compare(created(&other), created(m->v)) < 0;
}

static int match_flag(const char *key, const char *value, bool is, struct err *err)
{
    bool wanted = false;
    int r = filter_bool(key, value, &wanted, err);
    return r < 0 ? r : wanted == is;
}

static int match_one(void *arg, const char *key, const char *value, struct err *err)
{
    const struct match *m = arg;
    const json_t *labels = json_object_get(m->v->config, "Labels");
    bool anonymous = json_is_true(json_object_get(m->v->config, "Anonymous"));
    if (strcmp(key, "name") == 0)
        return strstr(m->v->name, value) != NULL;
    if (strncmp(key, "label", 5) == 0)
        return filter_label(labels, value) == (key[5] != '!');
    if (strcmp(key, "driver") == 0 || strcmp(key, "scope") == 0)
        return strcmp(value, "local") == 0;
    if (strcmp(key, "opt") == 0)
        return filter_label(json_object_get(m->v->config, "Options"), value);
    if (strcmp(key, "dangling") == 0)
        return match_flag(key, value, !m->used, err);
    if (strcmp(key, "anonymous") == 0)
        return match_flag(key, value, anonymous, err);
    return strcmp(key, "until") == 0 ? match_until(m, value, err) : match_since(m, value, err);
}

int volume_list(struct engine *e, const struct strv *filters, json_t **ret, struct err *err)
{
    static const char *const keys[] = {"after", "anonymous", "dangling", "driver",
                                       "label", "label!",    "name",     "opt",
                                       "scope", "since",     "until",    NULL};
    struct store_volume *all = NULL;
    size_t n = 0;
    auto_json json_t *uses = NULL, *rows = json_array();
    int r = filters_check(filters, keys, err);
    if (r == 0)
        r = count_uses(e, &uses, err);
    if (r == 0)
        r = store_volume_list(&e->store, &all, &n, err);
    for (size_t i = 0; i < n && r == 0; i++) {
        struct match m = {.e = e, .v = &all[i], .used = json_object_get(uses, all[i].name)};
        bool match = false;
        r = filters_match(filters, match_one, &m, &match, err);
        if (r == 0 && match)
            json_array_append_new(rows, row(&all[i], uses));
    }
    store_volume_list_done(all, n);
    if (r == 0)
        *ret = take_ptr(rows);
    return r;
}

/* --- remove --------------------------------------------------------------------------------- */

static int remove_users(struct engine *e, const char *name, int64_t timeout, struct err *err)
{
    auto_json json_t *users = NULL;
    int r = store_volume_users(&e->store, &users, err);
    const json_t *ids = json_object_get(users, name);
    for (size_t i = 0; i < json_array_size(ids) && r == 0; i++) {
        auto_done(store_container) struct store_container c = {.fd = -1};
        struct err gone = {0};
        const char *id = json_string_value(json_array_get(ids, i));
        if (store_container_find(&e->store, id, &c, &gone) == 0)
            r = container_remove(e, &c, true, timeout, err);
    }
    return r;
}

int volume_remove(struct engine *e, const char *name, bool force, int64_t timeout, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    int r = store_volume_find(&e->store, name, &v, err);
    if (r == 0 && force)
        r = remove_users(e, v.name, timeout, err);
    if (r == 0)
        volume_mount_drop(&v);
    if (r == 0)
        r = store_volume_remove(&e->store, &v, err);
    if (r == 0)
        event_volume(&e->store, "remove", v.name);
    return r;
}

int volume_prune_check_filters(const struct strv *filters, struct err *err)
{
    static const char *const keys[] = {"label", "label!", "until", NULL};
    return filters_check(filters, keys, err);
}

int volume_prune_list(struct engine *e, const struct strv *filters, struct strv *ret,
                      struct err *err)
{
    auto_strv all = {0};
    auto_json json_t *rows = NULL;
    if (filters)
        strv_extend(&all, filters);
    strv_add(&all, "dangling=true");
    int r = volume_list(e, &all, &rows, err);
    for (size_t i = 0; i < json_array_size(rows); i++)
        strv_add(ret, json_get_string(json_array_get(rows, i), "Name", ""));
    return r;
}

int volume_prune(struct engine *e, const struct strv *filters, struct strv *ret, uint64_t *bytes,
                 struct err *err)
{
    auto_strv names = {0};
    int r = volume_prune_list(e, filters, &names, err);
    for (size_t i = 0; i < names.len && r == 0; i++) {
        auto_done(store_volume) struct store_volume v = {.fd = -1};
        struct err one = {0};
        uint64_t size = 0;
        r = store_volume_open(&e->store, names.v[i], &v, &one);
        if (r == 0) {
            if (bytes)
                tree_size_at(v.fd, ".", &size);
            volume_mount_drop(&v);
            r = store_volume_remove(&e->store, &v, &one);
        }
        if (r == 0) {
            event_volume(&e->store, "remove", names.v[i]);
            strv_add(ret, names.v[i]);
            if (bytes)
                *bytes += size;
        } else if (one.kind == ERR_IN_USE || one.kind == ERR_NOT_FOUND) {
            r = 0; /* somebody took it, or was quicker */
        } else if (err) {
            *err = one;
        }
    }
    return r;
}

void volumes_remove_anonymous(struct store *s, const json_t *container)
{
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(container, "Mounts"), i, mount) {
        auto_done(store_volume) struct store_volume v = {.fd = -1};
        struct err failed = {0};
        const char *name = json_get_string(mount, "Name", NULL);
        /* One that was asked for by its name is the user's. */
        if (!name || !json_is_true(json_object_get(mount, "Anonymous")) ||
            store_volume_open(s, name, &v, &failed) < 0 ||
            !json_is_true(json_object_get(v.config, "Anonymous")))
            continue;
        if (store_volume_remove(s, &v, &failed) == 0)
            event_volume(s, "remove", name);
        else if (failed.kind != ERR_IN_USE)
            log_debug("%s", failed.message);
    }
}
