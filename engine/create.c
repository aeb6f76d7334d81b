/* SPDX-License-Identifier: Apache-2.0 */
/* `create`: from an image and options to a container's directory.
 *
 * The result is config.json in the form that inspect prints (engine/container.h). Everything that
 * depends on the image is resolved here, so a container keeps starting the same way whatever
 * happens to the image's name later. */
#include "engine/container.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "engine/create_environment.h"
#include "engine/create_health.h"
#include "engine/create_life.h"
#include "engine/create_mounts.h"
#include "engine/create_namespaces.h"
#include "engine/create_ports.h"
#include "engine/create_resources.h"
#include "engine/create_sandbox.h"
#include "engine/create_secrets.h"
#include "engine/dependencies.h"
#include "engine/document.h"
#include "engine/emulation.h"
#include "engine/environment.h"
#include "engine/events.h"
#include "engine/name.h"
#include "engine/signal_name.h"
#include "engine/userns.h"
#include "engine/volume.h"
#include "spec/reference.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>

/* --entrypoint: a JSON array or one word; podman's rule. */
static int parse_entrypoint(const char *text, struct strv *ret, struct err *err)
{
    if (*text != '[') {
        if (*text)
            strv_add(ret, text);
        return 0;
    }
    auto_json json_t *array = NULL;
    auto_json json_t *holder = json_object();
    int r = json_parse(text, strlen(text), &array, err);
    if (r == 0) {
        json_object_set(holder, "entrypoint", array);
        r = json_want_strv(holder, "entrypoint", ret, err);
    }
    return r < 0 ? err_wrap(err, "--entrypoint") : 0;
}

/* Entrypoint and command of the container: an entrypoint that is given, even an empty one, drops
 * the image's command. */
static int choose_command(const struct create_options *o, const struct image_run_config *image,
                          struct strv *ret_entrypoint, struct strv *ret_cmd, struct err *err)
{
    if (o->entrypoint) {
        int r = parse_entrypoint(o->entrypoint, ret_entrypoint, err);
        if (r < 0)
            return r;
    } else {
        strv_extend(ret_entrypoint, &image->entrypoint);
    }
    if (o->command && o->command->len)
        strv_extend(ret_cmd, o->command);
    else if (!o->entrypoint)
        strv_extend(ret_cmd, &image->cmd);
    if (ret_entrypoint->len + ret_cmd->len == 0)
        return err_set(err, -EINVAL,
                       "no command or entrypoint provided, and no CMD or ENTRYPOINT from image");
    return 0;
}

static int build_env(const struct create_options *o, const struct image_run_config *image,
                     struct strv *ret, struct err *err)
{
    environment_defaults(o->environment, &image->env, ret);
    int r = environment_merge(ret, &o->environment->env_merge, err);
    return r < 0 ? r : environment_assign(ret, o->env, err);
}

static json_t *labels_merged(const struct strv *labels, const json_t *image_labels)
{
    json_t *all = json_object();
    if (image_labels)
        json_object_update(all, (json_t *)image_labels);
    json_put_assignments(all, labels);
    return all;
}

static int check_hostname(const char *name, struct err *err)
{
    size_t n = strlen(name);
    bool ok = n > 0 && n <= 64 && name[0] != '-';
    for (const char *p = name; *p; p++)
        ok &= isalnum((unsigned char)*p) || *p == '-' || *p == '.' || *p == '_';
    return ok ? 0 : err_kind(err, ERR_USAGE, -EINVAL, "invalid hostname \"%s\"", name);
}

/* What the image and the options leave of the "Config" object. */
static int config_object(const struct create_options *o, const struct image_run_config *image,
                         const char *id, const char *shared_name, json_t **ret,
                         struct strv *ret_command, struct err *err)
{
    auto_strv entrypoint = {0}, cmd = {0}, env = {0};
    int r = choose_command(o, image, &entrypoint, &cmd, err);
    if (r == 0)
        r = build_env(o, image, &env, err);
    if (r < 0)
        return r;
    const char *signal = o->stop_signal ? o->stop_signal : image->stop_signal;
    int number = signal && *signal ? signal_number(signal) : SIGTERM;
    if (number < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid stop signal \"%s\"", signal);
    auto_free char *short_id = xstrndup(id, ID_SHORT_LEN);
    const char *hostname = o->hostname ? o->hostname : shared_name ? shared_name : short_id;
    r = check_hostname(hostname, err);
    if (r < 0)
        return r;
    const char *dir = o->work_dir ? o->work_dir : image->working_dir;
    if (dir && *dir && *dir != '/')
        return err_kind(err, ERR_USAGE, -EINVAL, "working directory \"%s\" is not absolute", dir);

    const char *user = o->user ? o->user : image->user;
    json_t *c = json_object();
    json_put_string(c, "Hostname", hostname);
    json_put_string(c, "User", user ? user : "");
    json_put(c, "Tty", json_boolean(o->tty));
    json_put(c, "OpenStdin", json_boolean(o->interactive));
    json_put(c, "Env", json_from_strv(&env));
    json_put(c, "Cmd", json_from_strv(&cmd));
    json_put(c, "Entrypoint", json_from_strv(&entrypoint));
    json_put_string(c, "WorkingDir", dir && *dir ? dir : "/");
    json_put(c, "Labels", labels_merged(o->labels, image->labels));
    json_put(c, "StopSignal", json_integer(number));
    json_put(c, "StopTimeout", json_integer(o->stop_timeout));
    if (o->invocation)
        json_put(c, "CreateCommand", json_from_strv(o->invocation));
    *ret = c;
    strv_extend(ret_command, &entrypoint);
    strv_extend(ret_command, &cmd);
    return 0;
}

static json_t *args_after_path(const struct strv *command)
{
    json_t *args = json_array();
    for (size_t i = 1; i < command->len; i++)
        json_array_append_new(args, json_from_string(command->v[i]));
    return args;
}

/* The whole config.json but the name. */
static int build_document(struct engine *e, const struct create_options *o,
                          const struct store_image *image, const struct image_config *config,
                          const char *id, json_t **ret, int *ret_lock, struct err *err)
{
    auto_strv command = {0};
    auto_json json_t *conf = NULL, *mounts = NULL;
    auto_json json_t *host =
        json_pack("{s:b, s:b}", "AutoRemove", o->auto_remove, "ReadonlyRootfs", o->read_only);
    int r = create_namespaces(e, o->sandbox, o->network, o->hostname, host, err);
    if (r < 0)
        return r;
    auto_free char *shared_name = namespaces_hostname(e, host);
    r = config_object(o, &config->run, id, shared_name, &conf, &command, err);
    if (r == 0)
        r = create_mounts(e, &o->mounts, &config->run, &mounts, err);
    if (r < 0)
        return r;
    char now[36];
    json_t *doc = json_object();
    json_put_string(doc, "Id", id);
    json_put_string(doc, "Created", time_format(time_now(), now));
    json_put_string(doc, "Path", command.v[0]);
    json_put(doc, "Args", args_after_path(&command));
    json_put_string(doc, "Image", image ? image->id : "");
    json_put_string(doc, "ImageDigest", image ? image->digest : "");
    json_put_string(doc, "ImageName",
                    !image             ? ""
                    : image->names.len ? image->names.v[0]
                                       : image->id);
    json_put_string(doc, "Rootfs", o->rootfs);
    if (image)
        json_put(doc, "Layers", json_from_strv(&image->layers));
    json_put(doc, "Config", take_ptr(conf));
    json_put(doc, "Mounts", take_ptr(mounts));
    json_put(doc, "HostConfig", take_ptr(host));
    r = create_sandbox(o->sandbox, doc, err);
    if (r == 0)
        r = create_resources(o->resources, json_object_get(doc, "HostConfig"), err);
    if (r == 0)
        r = create_environment(o->environment, doc, err);
    if (r == 0)
        r = create_life(o->life, doc, err);
    if (r == 0)
        r = create_dependencies(e, &o->life->requires, doc, err);
    if (r == 0)
        r = create_ports(o->ports, &config->run.ports, doc, err);
    if (r == 0)
        r = create_secrets(e, o->secrets, doc, err);
    if (r == 0)
        r = create_health(o->health, json_object_get(config->run.extra, "Healthcheck"), doc, err);
    if (r == 0)
        r = create_userns(e, o->sandbox, doc, ret_lock, err);
    if (r == 0 && o->root_emulation)
        r = emulation_put(o->root_emulation, doc, err);
    if (r < 0) {
        json_decref(doc);
        return r;
    }
    document_leave_out_defaults(doc);
    *ret = doc;
    return 0;
}

/* The image's name as the user wrote it resolves to, when it is a name. */
static void prefer_asked_name(json_t *doc, const struct store_image *image, const char *asked)
{
    struct image_ref ref = {0};
    if (image_ref_parse(asked, &ref, NULL) < 0)
        return;
    auto_free char *full = image_ref_string(&ref);
    if (strv_contains(&image->names, full))
        json_put_string(doc, "ImageName", full);
    image_ref_done(&ref);
}

static int store_under_name(struct engine *e, const struct create_options *o, json_t *doc,
                            struct store_container *ret, struct err *err)
{
    int r = 0;
    auto_json json_t *state = json_pack("{s:s, s:i}", "Status", "created", "ExitCode", 0);
    for (int tries = 0; tries < 20; tries++) {
        auto_free char *name = o->name ? xstrdup(o->name) : name_generate();
        json_put_string(doc, "Name", name);
        r = store_container_create(&e->store, doc, state, o->image, ret, err);
        if (r == 0 || o->name || err->kind != ERR_EXISTS)
            return r;
    }
    return r;
}

/* Until the container has them, its volumes are nobody's, and a prune may take them away. */
static int store_with_volumes(struct engine *e, const struct create_options *o, json_t *doc,
                              struct store_container *ret, struct err *err)
{
    for (int tries = 0;; tries++) {
        struct err failed = {0};
        int r = create_mounts_volumes(e, doc, &failed);
        if (r == 0)
            r = store_under_name(e, o, doc, ret, &failed);
        if (r < 0 && failed.kind == ERR_NOT_FOUND && tries < 10)
            continue;
        if (r < 0 && err)
            *err = failed;
        return r;
    }
}

int container_create(struct engine *e, const struct create_options *o, struct store_container *ret,
                     struct err *err)
{
    auto_done(image_config) struct image_config config = {0};
    int r = 0;
    if (o->image)
        r = store_image_config(&e->store, o->image, &config, NULL, err);
    else
        image_config_init(&config);
    if (r < 0)
        return r;

    char id[ID_HEX_LEN + 1];
    id_random(id);
    auto_json json_t *doc = NULL;
    auto_close int lock = -1; /* until the container is there for others to see */
    r = build_document(e, o, o->image, &config, id, &doc, &lock, err);
    if (r < 0)
        return r;
    if (o->image)
        prefer_asked_name(doc, o->image, o->asked);
    r = dependencies_announce(&e->store, doc, err);
    if (r == 0)
        r = store_with_volumes(e, o, doc, ret, err);
    if (r < 0) {
        volumes_remove_anonymous(&e->store, doc);
        dependencies_withdraw(&e->store, doc);
        return r;
    }
    event_container(&e->store, ret, "create", -1);
    r = secrets_copy(e, ret, err);
    if (r < 0) {
        container_remove(e, ret, true, 0, NULL);
        store_container_done(ret);
    }
    return r;
}
