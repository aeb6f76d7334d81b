/* SPDX-License-Identifier: Apache-2.0 */
/* `commit`: an image from a container. The changed set is the writable directory itself, so nothing
 * is compared and the image's size does not matter. */
#include "engine/content.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/container.h"
#include "engine/create_secrets.h"
#include "engine/events.h"
#include "engine/image.h"
#include "engine/residue.h"
#include "engine/root.h"
#include "engine/state.h"
#include "engine/sweep.h"
#include "runtime/freeze.h"

#include <stdlib.h>
#include <string.h>

/* The configuration of the image that the container was made from, which may be gone by name. */
static int base_config(struct engine *e, const struct store_container *c, struct image_config *ret,
                       struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    const char *id = json_get_string(c->config, "Image", "");
    int r = store_image_find(&e->store, id, &image, err);
    return r < 0 ? r : store_image_config(&e->store, &image, ret, NULL, err);
}

/* What the container's own options change in the image's configuration, as podman does it. */
static int apply_container(const struct store_container *c, struct image_config *config,
                           struct err *err)
{
    const json_t *conf = json_object_get(c->config, "Config");
    struct image_run_config *run = &config->run;
    auto_strv env = {0}, cmd = {0}, entrypoint = {0};
    int r = json_want_strv(conf, "Env", &env, err);
    if (r == 0)
        r = json_want_strv(conf, "Cmd", &cmd, err);
    if (r == 0)
        r = json_want_strv(conf, "Entrypoint", &entrypoint, err);
    if (r == 0)
        r = json_want_string(conf, "WorkingDir", &run->working_dir, err);
    if (r == 0)
        r = json_want_string(conf, "User", &run->user, err);
    if (r < 0)
        return r;
    strv_clear(&run->env);
    strv_extend(&run->env, &env);
    strv_clear(&run->cmd);
    strv_extend(&run->cmd, &cmd);
    run->has_cmd = cmd.len > 0;
    strv_clear(&run->entrypoint);
    strv_extend(&run->entrypoint, &entrypoint);
    run->has_entrypoint = entrypoint.len > 0;
    const json_t *labels = json_object_get(conf, "Labels");
    if (json_is_object(labels))
        json_object_update(run->labels, (json_t *)labels);
    return 0;
}

/* The new layer stands for all of them, and for their history. */
static void drop_layers(struct image_config *config)
{
    struct image_config fresh = {0};
    strv_clear(&config->diff_ids);
    fresh.history = config->history;
    fresh.n_history = config->n_history;
    config->history = NULL;
    config->n_history = 0;
    image_config_done(&fresh);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_volumes(const struct store_container *c, struct image_config *config)
{
    struct strv *volumes = &config->run.volumes;
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(c->config, "Mounts"), i, mount) {
        const char *path = json_get_string(mount, "Destination", "");
        bool tmpfs = strcmp(json_get_string(mount, "Type", ""), "tmpfs") == 0;
        if (*path && !tmpfs && !strv_contains(volumes, path))
            strv_add(volumes, path);
    }
    if (volumes->len)
        qsort(volumes->v, volumes->len, sizeof(*volumes->v), by_text);
}

static int add_layer(struct engine *e, struct store_container *c, const struct commit_options *o,
                     struct image_config *config, bool *ret_empty, struct err *err)
{
    auto_done(root) struct root root = {0};
    int r = root_init(&root, &e->store, &config->diff_ids, c->path, err);
    if (r < 0)
        return r;
    struct overlay_options overlay;
    root_overlay_options(&root, &overlay);
    struct content_layer layer = {0};
    const struct content_changes changes = {.overlay = &overlay,
                                            .whole = o->squash,
                                            .skip = residue_skip,
                                            .skip_arg = (json_t *)secrets_of(c),
                                            .progress = o->progress,
                                            .progress_arg = o->progress_arg};
    r = content_layer_from_changes(&e->store, &changes, &layer, ret_empty, err);
    if (r == 0 && o->squash)
        drop_layers(config);
    if (r == 0 && !*ret_empty)
        strv_add_owned(&config->diff_ids, layer.diff_id);
    return r;
}

static int add_layer_paused(struct engine *e, struct store_container *c,
                            const struct commit_options *o, struct image_config *config,
                            bool *ret_empty, struct err *err)
{
    struct freeze freeze = {.fd = -1};
    struct proc_id init;
    state_get_process(c->state, "Init", &init);
    bool running = container_status(c) == CONTAINER_RUNNING;
    int r = o->pause && running ? freeze_begin(&init, &freeze, err) : 0;
    if (r == -ESRCH) /* it has just ended: nothing can be more still */
        r = 0;
    if (r == 0)
        r = add_layer(e, c, o, config, ret_empty, err);
    freeze_end(&freeze);
    return r;
}

/* Layers without a history would leave ours with fewer entries than there are layers. */
static void complete_history(struct image_config *config)
{
    for (size_t i = 0; i < config->diff_ids.len; i++)
        image_config_add_history(config,
                                 &(struct image_history){.created_by = "layer of the base image"});
}

static void add_history(const struct store_container *c, const struct commit_options *o,
                        struct image_config *config, bool empty)
{
    char now[36];
    time_format(time_now(), now);
    free(config->created);
    config->created = xstrdup(now);
    if (o->author) {
        free(config->author);
        config->author = xstrdup(o->author);
    }
    auto_buf command = {0};
    buf_add_str(&command, json_get_string(c->config, "Path", ""));
    size_t i;
    json_t *arg;
    json_array_foreach (json_object_get(c->config, "Args"), i, arg)
        buf_printf(&command, " %s", json_is_string(arg) ? json_string_value(arg) : "");
    struct image_history h = {.created = now,
                              .created_by = (char *)buf_str(&command),
                              .author = (char *)o->author,
                              .comment = (char *)o->message,
                              .empty_layer = empty};
    image_config_add_history(config, &h);
}

static int commit(struct engine *e, struct store_container *c, const struct commit_options *o,
                  const struct strv *names, char **ret_id, struct err *err)
{
    auto_done(image_config) struct image_config config = {0};
    bool empty = false;
    auto_strv layers = {0};
    int r = root_container_layers(c, &layers, err);
    if (r == 0)
        r = base_config(e, c, &config, err);
    if (r == 0)
        r = apply_container(c, &config, err);
    if (r == 0 && o->volumes)
        add_volumes(c, &config);
    for (size_t i = 0; r == 0 && o->changes && i < o->changes->len; i++)
        r = build_change(&config, o->changes->v[i], err);
    if (r < 0)
        return r;
    if (config.n_history == 0)
        complete_history(&config);
    r = add_layer_paused(e, c, o, &config, &empty, err);
    if (r < 0)
        return r;
    add_history(c, o, &config, empty);
    auto_done(store_image) struct store_image image = {0};
    auto_json json_t *json = image_config_json(&config);
    auto_free char *text = json_text(json);
    struct content_image made = {
        .config = text, .config_len = strlen(text), .names = names, .docker = o->docker};
    r = content_image_store(&e->store, &made, &image, err);
    if (r == 0)
        *ret_id = xstrdup(image.id);
    return r;
}

int content_commit(struct engine *e, struct store_container *c, const struct commit_options *o,
                   char **ret_id, struct err *err)
{
    auto_strv names = {0};
    auto_free char *full = NULL;
    struct sweep sweep;
    int r = o->name ? image_full_name(o->name, &full, err) : 0;
    if (r == 0)
        r = sweep_begin(e, &sweep, err);
    if (r < 0)
        return r;
    if (full)
        strv_add(&names, full);
    r = commit(e, c, o, &names, ret_id, err);
    sweep_end(e, &sweep, r);
    if (r == 0)
        event_container(&e->store, c, "commit", -1);
    return r < 0 ? err_wrap(err, "commit %s", c->name) : r;
}
