/* SPDX-License-Identifier: Apache-2.0 */
/* `ps`: the facts of each container, one object a row. How they are worded is cmd/'s business. */
#include "engine/container.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "base/parallel.h"
#include "base/when.h"
#include "engine/health.h"
#include "engine/ports.h"
#include "engine/state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct chosen {
    const struct store_container *c;
    enum container_status status;
};

struct match {
    const struct store_container *c;
    enum container_status status;
    struct store_container *all; /* for before and since */
    size_t n;
};

static int64_t created_at(const struct store_container *c)
{
    return state_get_time(c->config, "Created").tv_sec;
}

/* The creation order decides, not the second: `list` is sorted, so compare places in it. */
static int match_age(const struct match *m, const char *name, bool before, struct err *err)
{
    size_t self = m->n, other = m->n;
    for (size_t i = 0; i < m->n; i++) {
        if (&m->all[i] == m->c)
            self = i;
        if (strcmp(m->all[i].name, name) == 0 || strncmp(m->all[i].id, name, strlen(name)) == 0)
            other = i;
    }
    if (other == m->n)
        return err_kind(err, ERR_NOT_FOUND, -ENOENT,
                        "no container with name or ID \"%s\" found: no such container", name);
    return before ? self < other : self > other;
}

static int match_status(const struct match *m, const char *value, struct err *err)
{
    static const char *const known[] = {"created",    "running",  "exited", "paused",    "stopped",
                                        "restarting", "removing", "dead",   "configured"};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i], value) == 0)
            return strcmp(value, container_status_name(m->status)) == 0 ||
                   (strcmp(value, "stopped") == 0 && m->status == CONTAINER_EXITED) ||
                   (strcmp(value, "configured") == 0 && m->status == CONTAINER_CREATED);
    return err_kind(err, ERR_USAGE, -EINVAL, "%s is not a valid container status", value);
}

static int match_exited(const struct match *m, const char *value, struct err *err)
{
    char *end;
    long code = strtol(value, &end, 10);
    if (!*value || *end)
        return err_kind(err, ERR_USAGE, -EINVAL, "exited=%s: not a number", value);
    return m->status == CONTAINER_EXITED && container_exit_code(m->c) == code;
}

static bool match_ancestor(const struct match *m, const char *value)
{
    const char *id = json_get_string(m->c->config, "Image", "");
    const char *name = json_get_string(m->c->config, "ImageName", "");
    return strncmp(id, value, strlen(value)) == 0 || strstr(name, value) != NULL;
}

/* By a volume's name, or by what is mounted from or to there. */
static bool match_volume(const struct match *m, const char *value)
{
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(m->c->config, "Mounts"), i, mount)
        if (strcmp(json_get_string(mount, "Name", ""), value) == 0 ||
            strcmp(json_get_string(mount, "Source", ""), value) == 0 ||
            strcmp(json_get_string(mount, "Destination", ""), value) == 0)
            return true;
    return false;
}

static int match_until(const struct match *m, const char *value, struct err *err)
{
    struct timespec t;
    int r = when_parse(value, time_now(), &t, err);
    return r < 0 ? r : created_at(m->c) < t.tv_sec;
}

static int match_health(const struct match *m, const char *value, struct err *err)
{
    static const char *const known[] = {"none", "starting", "healthy", "unhealthy"};
    auto_free char *health = health_status(m->c);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i], value) == 0)
            return strcmp(*health ? health : "none", value) == 0;
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "%s is not a valid health: healthy, unhealthy, starting or none", value);
}

static const char *const filter_keys[] = {
    "id",       "name",           "label",   "label!", "status",  "exited",
    "ancestor", "before",         "since",   "volume", "command", "network",
    "until",    "restart-policy", "publish", "expose", "health",  NULL};

static int match_one(void *arg, const char *key, const char *value, struct err *err)
{
    const struct match *m = arg;
    const json_t *labels = json_object_get(json_object_get(m->c->config, "Config"), "Labels");
    if (strcmp(key, "id") == 0)
        return strncmp(m->c->id, value, strlen(value)) == 0;
    if (strcmp(key, "name") == 0)
        return strstr(m->c->name, value) != NULL;
    if (strcmp(key, "label") == 0)
        return filter_label(labels, value);
    if (strcmp(key, "label!") == 0)
        return !filter_label(labels, value);
    if (strcmp(key, "status") == 0)
        return match_status(m, value, err);
    if (strcmp(key, "exited") == 0)
        return match_exited(m, value, err);
    if (strcmp(key, "ancestor") == 0)
        return match_ancestor(m, value);
    if (strcmp(key, "volume") == 0)
        return match_volume(m, value);
    if (strcmp(key, "command") == 0)
        return strcmp(json_get_string(m->c->config, "Path", ""), value) == 0;
    const json_t *host = json_object_get(m->c->config, "HostConfig");
    if (strcmp(key, "network") == 0)
        return strcmp(json_get_string(host, "NetworkMode", "none"), value) == 0;
    if (strcmp(key, "restart-policy") == 0)
        return strcmp(json_get_string(json_object_get(host, "RestartPolicy"), "Name", "no"),
                      value) == 0;
    if (strcmp(key, "publish") == 0 || strcmp(key, "expose") == 0)
        return ports_match(m->c->config, value, *key == 'e', err);
    if (strcmp(key, "health") == 0)
        return match_health(m, value, err);
    if (strcmp(key, "until") == 0)
        return match_until(m, value, err);
    return match_age(m, value, *key == 'b', err);
}

/* What the configuration has is shared, not copied. */
static void put_member(json_t *row, const char *key, const json_t *config, const char *name)
{
    json_t *value = json_object_get(config, name);
    json_put(row, key, json_is_string(value) ? json_incref(value) : json_string(""));
}

static json_t *row(const struct store_container *c, enum container_status status)
{
    struct proc_id init;
    state_get_process(c->state, "Init", &init);
    const json_t *config = json_object_get(c->config, "Config");
    json_t *command = json_array();
    json_array_append(command, json_object_get(c->config, "Path"));
    json_array_extend(command, json_object_get(c->config, "Args"));
    json_t *mounts = json_array(), *mount;
    size_t i;
    json_array_foreach (json_object_get(c->config, "Mounts"), i, mount)
        json_array_append(mounts, json_object_get(mount, "Destination"));

    json_t *o = json_object();
    json_put_string(o, "Id", c->id);
    json_put(o, "Names", json_pack("[s]", c->name));
    put_member(o, "Image", c->config, "ImageName");
    put_member(o, "ImageID", c->config, "Image");
    json_put(o, "Command", command);
    json_put(o, "Created", json_integer(created_at(c)));
    json_put(o, "StartedAt", json_integer(state_get_time(c->state, "StartedAt").tv_sec));
    json_put(o, "ExitedAt", json_integer(state_get_time(c->state, "FinishedAt").tv_sec));
    json_put(o, "Exited", json_boolean(status == CONTAINER_EXITED));
    json_put(o, "ExitCode", json_integer(container_exit_code(c)));
    json_put_string(o, "State", container_status_name(status));
    auto_free char *health = status == CONTAINER_RUNNING ? health_status(c) : NULL;
    if (health && *health)
        json_put_string(o, "Health", health);
    json_put_string(o, "Error", json_get_string(c->state, "Error", ""));
    json_put(o, "Pid", json_integer(CONTAINER_ALIVE & STATUS_BIT(status) ? init.pid : 0));
    json_t *labels = json_object_get(config, "Labels");
    json_put(o, "Labels", labels ? json_incref(labels) : json_object());
    json_put(o, "Mounts", mounts);
    json_put(o, "Ports", ports_list(c->config));
    json_put_string(
        o, "Network",
        json_get_string(json_object_get(c->config, "HostConfig"), "NetworkMode", "none"));
    return o;
}

/* What it wrote, and that with its image. */
json_t *container_size(struct engine *e, const struct store_container *c)
{
    uint64_t written = 0, whole = 0;
    auto_strv layers = {0};
    tree_size_at(c->fd, "upper", &written);
    json_want_strv(c->config, "Layers", &layers, NULL);
    strv_foreach (&layers, layer) {
        int64_t size;
        if (store_layer_size(&e->store, layer, &size, NULL) == 0)
            whole += (uint64_t)size;
    }
    return json_pack("{s:I, s:I}", "rwSize", (json_int_t)written, "rootFsSize",
                     (json_int_t)(whole + written));
}

/* --- order ---------------------------------------------------------------------------------- */

static int by_text(const json_t *a, const json_t *b, const char *key)
{
    return strcasecmp(json_get_string(a, key, ""), json_get_string(b, key, ""));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(
        json_string_value(json_array_get(json_object_get(*(json_t *const *)a, "Names"), 0)),
        json_string_value(json_array_get(json_object_get(*(json_t *const *)b, "Names"), 0)));
}

static int by_id(const void *a, const void *b)
{
    return by_text(*(json_t *const *)a, *(json_t *const *)b, "Id");
}

static int by_image(const void *a, const void *b)
{
    return by_text(*(json_t *const *)a, *(json_t *const *)b, "Image");
}

static int by_command(const void *a, const void *b)
{
    json_t *x = json_object_get(*(json_t *const *)a, "Command");
    json_t *y = json_object_get(*(json_t *const *)b, "Command");
    const char *s = json_string_value(json_array_get(x, 0));
    const char *t = json_string_value(json_array_get(y, 0));
    return strcmp(s ? s : "", t ? t : "");
}

static int by_size(const void *a, const void *b)
{
    json_int_t x = json_integer_value(
        json_object_get(json_object_get(*(json_t *const *)a, "Size"), "rootFsSize"));
    json_int_t y = json_integer_value(
        json_object_get(json_object_get(*(json_t *const *)b, "Size"), "rootFsSize"));
    return x < y ? -1 : x > y;
}

static int by_start(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "StartedAt"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "StartedAt"));
    return x < y ? -1 : x > y;
}

static int by_status(const void *a, const void *b)
{
    return by_text(*(json_t *const *)a, *(json_t *const *)b, "State");
}

static int sort_rows(json_t **rows, size_t n, const char *key, struct err *err)
{
    static const struct {
        const char *key;
        int (*compare)(const void *, const void *);
    } orders[] = {{"command", by_command}, {"created", NULL},    {"id", by_id},
                  {"image", by_image},     {"names", by_name},   {"runningfor", by_start},
                  {"size", by_size},       {"status", by_status}};
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        if (strcmp(orders[i].key, key) != 0)
            continue;
        if (orders[i].compare && n)
            qsort(rows, n, sizeof(*rows), orders[i].compare);
        return 0;
    }
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "cannot sort by \"%s\": one of command, created, id, image, names, "
                    "runningfor, size, status",
                    key);
}

/* Newest first into `chosen`; *ret_n as many as match. */
static int choose(struct store_container *all, size_t n, const struct container_list_options *o,
                  struct chosen *chosen, size_t *ret_n, struct err *err)
{
    bool by_state = false; /* a filter for a state asks for containers that do not run, too */
    for (size_t i = 0; o->filters && i < o->filters->len; i++)
        by_state |= strncmp(o->filters->v[i], "status=", 7) == 0 ||
                    strncmp(o->filters->v[i], "exited=", 7) == 0;
    unsigned states = o->states ? o->states : o->all || o->last || by_state ? ~0u : CONTAINER_UP;
    *ret_n = 0;
    for (size_t i = n; i > 0; i--) {
        enum container_status status = container_status(&all[i - 1]);
        if (!(states & STATUS_BIT(status)))
            continue;
        struct match m = {.c = &all[i - 1], .status = status, .all = all, .n = n};
        bool match;
        int r = filters_match(o->filters, match_one, &m, &match, err);
        if (r < 0)
            return r;
        if (!match || (o->last > 0 && *ret_n >= (size_t)o->last))
            continue;
        chosen[(*ret_n)++] = (struct chosen){&all[i - 1], status};
    }
    return 0;
}

struct row_making {
    struct engine *engine;
    const struct chosen *chosen;
    bool size;
    json_t **rows;
};

static void make_row(void *arg, size_t i)
{
    const struct row_making *m = arg;
    m->rows[i] = row(m->chosen[i].c, m->chosen[i].status);
    if (m->size)
        json_put(m->rows[i], "Size", container_size(m->engine, m->chosen[i].c));
}

static void free_one(void *arg, size_t i)
{
    store_container_done((struct store_container *)arg + i);
}

static void free_containers(struct store_container *all, size_t n)
{
    parallel_for(n, free_one, all);
    free(all);
}

int container_list(struct engine *e, const struct container_list_options *o, json_t **ret,
                   struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0, n_rows = 0;
    int r = filters_check(o->filters, filter_keys, err);
    if (r == 0)
        r = store_container_list(&e->store, &all, &n, err);
    if (r < 0)
        return r;
    auto_free json_t **rows = xcalloc(n, sizeof(*rows));
    auto_free struct chosen *chosen = xcalloc(n, sizeof(*chosen));
    r = choose(all, n, o, chosen, &n_rows, err);
    struct row_making making = {.engine = e, .chosen = chosen, .size = o->size, .rows = rows};
    parallel_for(n_rows, make_row, &making);
    if (r == 0 && o->sort && *o->sort)
        r = sort_rows(rows, n_rows, o->sort, err);
    json_t *array = json_array();
    for (size_t i = 0; i < n_rows; i++)
        json_array_append_new(array, rows[i]);
    free_containers(all, n);
    if (r < 0) {
        json_decref(array);
        return r;
    }
    *ret = array;
    return 0;
}

/* It is made of it, or mounts it. */
static bool uses_image(const json_t *container, const char *id)
{
    size_t i;
    json_t *mount;
    if (strcmp(json_get_string(container, "Image", ""), id) == 0)
        return true;
    json_array_foreach (json_object_get(container, "Mounts"), i, mount)
        if (strcmp(json_get_string(mount, "ImageID", ""), id) == 0)
            return true;
    return false;
}

int container_users_of_image(struct engine *e, const char *image_id, struct strv *ret,
                             struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0;
    int r = store_container_list(&e->store, &all, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (uses_image(all[i].config, image_id))
            strv_addf(ret, "%.*s", ID_SHORT_LEN, all[i].id);
    free_containers(all, n);
    return r;
}

int container_counts(struct engine *e, json_t **ret, struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0;
    int r = store_container_list(&e->store, &all, &n, err);
    if (r < 0)
        return r;
    json_t *counts = json_object();
    for (size_t i = 0; i < n; i++) {
        const char *id = json_get_string(all[i].config, "Image", "");
        json_int_t count = json_integer_value(json_object_get(counts, id));
        json_put(counts, id, json_integer(count + 1));
    }
    free_containers(all, n);
    *ret = counts;
    return 0;
}
