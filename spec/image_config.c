/* SPDX-License-Identifier: Apache-2.0 */
/* The image configuration: parse, print, copy.
 *
 * Theory of operation. A parse reads the members that the structs know, with strict types, and
 * keeps deep copies of all others in `extra`; printing starts from `extra` and sets the known
 * members over it. So a member cannot be in both, and a configuration that only passes through
 * loses nothing but members that are null. */
#include "spec/image.h"

#include "base/alloc.h"
#include "base/json.h"
#include "spec/digest.h"
#include "spec/limits.h"

#include <stdlib.h>
#include <string.h>

static const char *const known_top[] = {"created", "author", "architecture", "os", "variant",
                                        "config",  "rootfs", "history",      NULL};
static const char *const known_run[] = {"User",       "WorkingDir", "StopSignal",   "Env",    "Cmd",
                                        "Entrypoint", "Volumes",    "ExposedPorts", "Labels", NULL};

static void run_init(struct image_run_config *run)
{
    *run = (struct image_run_config){.labels = json_object(), .extra = json_object()};
}

void image_config_init(struct image_config *c)
{
    *c = (struct image_config){
        .architecture = xstrdup(platform_architecture()),
        .os = xstrdup("linux"),
        .extra = json_object(),
    };
    run_init(&c->run);
}

static void run_done(struct image_run_config *run)
{
    free(run->user);
    free(run->working_dir);
    free(run->stop_signal);
    strv_done(&run->env);
    strv_done(&run->entrypoint);
    strv_done(&run->cmd);
    strv_done(&run->volumes);
    strv_done(&run->ports);
    json_decref(run->labels);
    json_decref(run->extra);
}

static void history_done(struct image_history *h)
{
    free(h->created);
    free(h->created_by);
    free(h->author);
    free(h->comment);
}

void image_config_done(struct image_config *c)
{
    free(c->created);
    free(c->author);
    free(c->architecture);
    free(c->os);
    free(c->variant);
    run_done(&c->run);
    strv_done(&c->diff_ids);
    for (size_t i = 0; i < c->n_history; i++)
        history_done(&c->history[i]);
    free(c->history);
    json_decref(c->extra);
    *c = (struct image_config){0};
}

void image_config_add_history(struct image_config *c, const struct image_history *h)
{
    c->history = xrealloc(c->history, c->n_history + 1, sizeof(*c->history));
    c->history[c->n_history++] = (struct image_history){
        .created = strdup_or_null(h->created),
        .created_by = strdup_or_null(h->created_by),
        .author = strdup_or_null(h->author),
        .comment = strdup_or_null(h->comment),
        .empty_layer = h->empty_layer,
    };
}

static void run_copy(const struct image_run_config *from, struct image_run_config *to)
{
    *to = (struct image_run_config){
        .user = strdup_or_null(from->user),
        .working_dir = strdup_or_null(from->working_dir),
        .stop_signal = strdup_or_null(from->stop_signal),
        .has_entrypoint = from->has_entrypoint,
        .has_cmd = from->has_cmd,
        .labels = from->labels ? json_deep_copy(from->labels) : json_object(),
        .extra = from->extra ? json_deep_copy(from->extra) : json_object(),
    };
    strv_extend(&to->env, &from->env);
    strv_extend(&to->entrypoint, &from->entrypoint);
    strv_extend(&to->cmd, &from->cmd);
    strv_extend(&to->volumes, &from->volumes);
    strv_extend(&to->ports, &from->ports);
}

void image_config_copy(const struct image_config *from, struct image_config *to)
{
    *to = (struct image_config){
        .created = strdup_or_null(from->created),
        .author = strdup_or_null(from->author),
        .architecture = strdup_or_null(from->architecture),
        .os = strdup_or_null(from->os),
        .variant = strdup_or_null(from->variant),
        .extra = from->extra ? json_deep_copy(from->extra) : json_object(),
    };
    run_copy(&from->run, &to->run);
    strv_extend(&to->diff_ids, &from->diff_ids);
    for (size_t i = 0; i < from->n_history; i++)
        image_config_add_history(to, &from->history[i]);
}

/* Copies the members of `json` that are not in `known` to `extra`. */
static void keep_unknown(const json_t *json, const char *const *known, json_t *extra)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)json, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key) != 0)
            k++;
        if (!*k)
            json_put(extra, key, json_deep_copy(value));
    }
}

static int want_list(const json_t *obj, const char *key, struct strv *ret, bool *ret_present,
                     struct err *err)
{
    const json_t *a = NULL;
    int r = json_want_array(obj, key, &a, err);
    if (r < 0 || !a)
        return r;
    if (json_array_size(a) > SPEC_LIST_MAX)
        return err_set(err, -E2BIG, "\"%s\" has more than %d elements", key, SPEC_LIST_MAX);
    if (ret_present)
        *ret_present = true;
    return json_want_strv(obj, key, ret, err);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A set, which Go's JSON writes as an object with empty objects as values. */
static int want_set(const json_t *obj, const char *key, struct strv *ret, struct err *err)
{
    const json_t *set = NULL;
    int r = json_want_object(obj, key, &set, err);
    if (r < 0 || !set)
        return r;
    if (json_object_size(set) > SPEC_LIST_MAX)
        return err_set(err, -E2BIG, "\"%s\" has more than %d members", key, SPEC_LIST_MAX);
    const char *member;
    json_t *value;
    json_object_foreach ((json_t *)set, member, value)
        strv_add(ret, member);
    if (ret->len)
        qsort(ret->v, ret->len, sizeof(*ret->v), compare_strings);
    return 0;
}

static int want_labels(const json_t *obj, json_t *labels, struct err *err)
{
    const json_t *from = NULL;
    int r = json_want_object(obj, "Labels", &from, err);
    if (r < 0 || !from)
        return r;
    if (json_object_size(from) > SPEC_LIST_MAX)
        return err_set(err, -E2BIG, "\"Labels\" has more than %d members", SPEC_LIST_MAX);
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)from, key, value) {
        if (!json_is_string(value))
            return err_set(err, -EINVAL, "the label \"%.100s\" is not a string", key);
        json_put(labels, key, json_copy(value));
    }
    return 0;
}

static int parse_run(const json_t *json, struct image_run_config *run, struct err *err)
{
    const json_t *j = NULL;
    int r = json_want_object(json, "config", &j, err);
    if (r < 0 || !j)
        return r;
    keep_unknown(j, known_run, run->extra);
    if ((r = json_want_string(j, "User", &run->user, err)) < 0 ||
        (r = json_want_string(j, "WorkingDir", &run->working_dir, err)) < 0 ||
        (r = json_want_string(j, "StopSignal", &run->stop_signal, err)) < 0 ||
        (r = want_list(j, "Env", &run->env, NULL, err)) < 0 ||
        (r = want_list(j, "Entrypoint", &run->entrypoint, &run->has_entrypoint, err)) < 0 ||
        (r = want_list(j, "Cmd", &run->cmd, &run->has_cmd, err)) < 0 ||
        (r = want_set(j, "Volumes", &run->volumes, err)) < 0 ||
        (r = want_set(j, "ExposedPorts", &run->ports, err)) < 0 ||
        (r = want_labels(j, run->labels, err)) < 0)
        return r;
    return 0;
}

static int parse_rootfs(const json_t *json, struct image_config *c, struct err *err)
{
    const json_t *j = NULL;
    int r = json_want_object(json, "rootfs", &j, err);
    if (r < 0)
        return r;
    if (!j)
        return err_set(err, -EINVAL, "there is no \"rootfs\"");
    auto_free char *type = NULL;
    if ((r = json_want_string(j, "type", &type, err)) < 0 ||
        (r = want_list(j, "diff_ids", &c->diff_ids, NULL, err)) < 0)
        return r;
    if (!type || strcmp(type, "layers") != 0)
        return err_set(err, -EINVAL, "the \"type\" of \"rootfs\" is not \"layers\"");
    if (c->diff_ids.len > SPEC_LAYERS_MAX)
        return err_set(err, -E2BIG, "there are more than %d layers", SPEC_LAYERS_MAX);
    strv_foreach (&c->diff_ids, id)
        if (!digest_valid(id))
            return err_set(err, -EINVAL, "the diff id \"%.80s\" is not a sha256 digest", id);
    return 0;
}

static int parse_history_entry(const json_t *j, struct image_history *h, struct err *err)
{
    int r;
    if (!json_is_object(j))
        return err_set(err, -EINVAL, "an entry of \"history\" is not an object");
    if ((r = json_want_string(j, "created", &h->created, err)) < 0 ||
        (r = json_want_string(j, "created_by", &h->created_by, err)) < 0 ||
        (r = json_want_string(j, "author", &h->author, err)) < 0 ||
        (r = json_want_string(j, "comment", &h->comment, err)) < 0 ||
        (r = json_want_bool(j, "empty_layer", &h->empty_layer, err)) < 0)
        return r;
    return 0;
}

static int parse_history(const json_t *json, struct image_config *c, struct err *err)
{
    const json_t *j = NULL;
    int r = json_want_array(json, "history", &j, err);
    if (r < 0 || !j || json_array_size(j) == 0)
        return r;
    if (json_array_size(j) > SPEC_HISTORY_MAX)
        return err_set(err, -E2BIG, "\"history\" has more than %d entries", SPEC_HISTORY_MAX);
    c->n_history = json_array_size(j);
    c->history = xcalloc(c->n_history, sizeof(*c->history));
    size_t filled = 0;
    for (size_t i = 0; i < c->n_history; i++) {
        r = parse_history_entry(json_array_get(j, i), &c->history[i], err);
        if (r < 0)
            return r;
        filled += !c->history[i].empty_layer;
    }
    if (filled != c->diff_ids.len)
        return err_set(err, -EINVAL, "\"history\" tells of %zu layers where there are %zu", filled,
                       c->diff_ids.len);
    return 0;
}

int image_config_parse(const json_t *json, struct image_config *ret, struct err *err)
{
    int r;
    auto_done(image_config) struct image_config c;
    image_config_init(&c);
    if (!json_is_object(json))
        return err_set(err, -EINVAL, "image configuration: not an object");
    keep_unknown(json, known_top, c.extra);
    if ((r = json_want_string(json, "created", &c.created, err)) < 0 ||
        (r = json_want_string(json, "author", &c.author, err)) < 0 ||
        (r = json_want_string(json, "architecture", &c.architecture, err)) < 0 ||
        (r = json_want_string(json, "os", &c.os, err)) < 0 ||
        (r = json_want_string(json, "variant", &c.variant, err)) < 0 ||
        (r = parse_run(json, &c.run, err)) < 0 || (r = parse_rootfs(json, &c, err)) < 0 ||
        (r = parse_history(json, &c, err)) < 0)
        return err ? err_wrap(err, "image configuration") : r;
    *ret = c;
    c = (struct image_config){0};
    return 0;
}

static void put_list(json_t *obj, const char *key, const struct strv *list, bool present)
{
    if (list->len || present)
        json_put(obj, key, json_from_strv(list));
}

static void put_set(json_t *obj, const char *key, const struct strv *set)
{
    if (set->len == 0)
        return;
    json_t *members = json_object();
    for (size_t i = 0; i < set->len; i++)
        json_put(members, set->v[i], json_object());
    json_put(obj, key, members);
}

static json_t *run_json(const struct image_run_config *run)
{
    json_t *j = run->extra ? json_deep_copy(run->extra) : json_object();
    json_put_string(j, "User", run->user);
    json_put_string(j, "WorkingDir", run->working_dir);
    json_put_string(j, "StopSignal", run->stop_signal);
    put_list(j, "Env", &run->env, false);
    put_list(j, "Entrypoint", &run->entrypoint, run->has_entrypoint);
    put_list(j, "Cmd", &run->cmd, run->has_cmd);
    put_set(j, "Volumes", &run->volumes);
    put_set(j, "ExposedPorts", &run->ports);
    if (json_object_size(run->labels))
        json_put(j, "Labels", json_deep_copy(run->labels));
    return j;
}

static json_t *history_json(const struct image_config *c)
{
    json_t *all = json_array();
    for (size_t i = 0; i < c->n_history; i++) {
        const struct image_history *h = &c->history[i];
        json_t *j = json_object();
        json_put_string(j, "created", h->created);
        json_put_string(j, "created_by", h->created_by);
        json_put_string(j, "author", h->author);
        json_put_string(j, "comment", h->comment);
        if (h->empty_layer)
            json_put(j, "empty_layer", json_true());
        json_array_append_new(all, j);
    }
    return all;
}

json_t *image_config_json(const struct image_config *c)
{
    json_t *j = c->extra ? json_deep_copy(c->extra) : json_object();
    json_put_string(j, "created", c->created);
    json_put_string(j, "author", c->author);
    json_put_string(j, "architecture", c->architecture);
    json_put_string(j, "os", c->os);
    json_put_string(j, "variant", c->variant);
    json_put(j, "config", run_json(&c->run));
    json_t *rootfs = json_object();
    json_put_string(rootfs, "type", "layers");
    json_put(rootfs, "diff_ids", json_from_strv(&c->diff_ids));
    json_put(j, "rootfs", rootfs);
    if (c->n_history)
        json_put(j, "history", history_json(c));
    return j;
}
