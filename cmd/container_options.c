/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of `run` and `create` to a container. */
#include "cmd/container_options.h"

#include "base/file.h"
#include "base/json.h"
#include "cmd/env_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TRIES 5 /* to have an image that others remove */

static int remove_namesake(struct invocation *in, const char *name, struct err *err)
{
    auto_done(store_container) struct store_container old = {0};
    auto_free char *id = NULL; /* by its name only: it may look like the start of other ones' ids */
    if (store_name_lookup(&in->engine->store, name, &id) < 0)
        return 0;
    int r = store_container_find(&in->engine->store, id, &old, err);
    if (r < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : r;
    return strcmp(old.name, name) == 0 ? container_remove(in->engine, &old, true, 0, err) : 0;
}

static int write_cidfile(const char *path, const char *id, struct err *err)
{
    int r = file_write_at(AT_FDCWD, path, id, strlen(id), 0644, FILE_EXCL, err);
    return r < 0 ? err_wrap(err, "--cidfile") : 0;
}

static int find_rootfs(const char *path, char **ret, struct err *err)
{
    struct stat st;
    char *full = realpath(path, NULL);
    if (!full || stat(full, &st) < 0)
        return err_errno(err, -errno, "--rootfs %s", path);
    *ret = full;
    return S_ISDIR(st.st_mode) && full[1]
               ? 0
               : err_set(err, -ENOTDIR, "--rootfs %s is not a directory below /", path);
}

/* The container's document is JSON: it would have a "?" there, and another command be run. */
static int take_invocation(char *const *argv, struct strv *ret, struct err *err)
{
    for (char *const *word = argv; *word; word++) {
        if (!json_is_text(*word))
            return err_kind(
                err, ERR_USAGE, -EILSEQ,
                "\"%s\" is not UTF-8, and a container's configuration holds nothing else", *word);
        strv_add(ret, *word);
    }
    return 0;
}

static bool is_there(struct invocation *in, const struct store_image *image)
{
    auto_done(store_image) struct store_image found = {0};
    return store_image_find(&in->engine->store, image->id, &found, NULL) == 0;
}

/* Between the pull and the container's arrival the image is nobody's, and a prune may take it away:
 * then it is had once more. */
static int create_of_image(struct invocation *in, const struct container_values *v,
                           struct create_options *o, struct store_container *ret, struct err *err)
{
    for (int tries = 0;; tries++) {
        auto_done(store_image) struct store_image image = {0};
        struct err failed = {0};
        int r = image_pull_wanted(in, &v->pull, o->asked, &image, &failed);
        bool found = r == 0;
        if (found && v->replace)
            r = remove_namesake(in, v->name, &failed);
        o->image = &image;
        if (r == 0)
            r = container_create(in->engine, o, ret, &failed);
        bool lost = found ? r < 0 && !is_there(in, &image) : failed.kind == ERR_NOT_FOUND;
        if (lost && tries < TRIES)
            continue;
        if (r < 0 && err)
            *err = failed;
        return r;
    }
}

static int create_of_rootfs(struct invocation *in, const struct container_values *v,
                            struct create_options *o, struct store_container *ret, struct err *err)
{
    auto_free char *rootfs = NULL;
    int r = find_rootfs(o->asked, &rootfs, err);
    if (r == 0 && v->replace)
        r = remove_namesake(in, v->name, err);
    o->rootfs = rootfs;
    return r < 0 ? r : container_create(in->engine, o, ret, err);
}

int container_options_create(struct invocation *in, const struct container_values *v,
                             const struct strv *args, struct store_container *ret, struct err *err)
{
    auto_strv env = {0}, labels = {0}, command = {0}, invocation = {0};
    int r = env_collect("env-file", &v->env_files, &v->env, &env, err);
    if (r == 0)
        r = env_collect("label-file", &v->label_files, &v->labels, &labels, err);
    if (r == 0)
        r = take_invocation(in->argv, &invocation, err);
    if (r < 0)
        return r;
    for (size_t i = 1; i < args->len; i++)
        strv_add(&command, args->v[i]);
    if (v->stop_timeout < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "--stop-timeout must not be negative");
    if (v->replace && !v->name)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "cannot replace container without --name being set");
    if (v->cidfile && exists_at(AT_FDCWD, v->cidfile))
        return err_set(err, -EEXIST, "container id file exists: %s", v->cidfile);
    struct network_options network = network_options(&v->network);
    struct create_options o = {
        .asked = args->v[0],
        .command = &command,
        .name = v->name,
        .entrypoint = v->entrypoint,
        .work_dir = v->work_dir,
        .user = v->user,
        .hostname = v->hostname,
        .env = &env,
        .mounts = mount_options(&v->mount),
        .ports = port_options(&v->ports, v->network.mode),
        .sandbox = &v->sandbox,
        .resources = &v->resources,
        .environment = &v->environment,
        .life = &v->life,
        .health = &v->health,
        .labels = &labels,
        .secrets = &v->secrets,
        .root_emulation = v->root_emulation,
        .network = &network,
        .stop_signal = v->stop_signal,
        .stop_timeout =
            opt_given(in->table, in->res, "stop-timeout") ? v->stop_timeout : STOP_TIMEOUT_DEFAULT,
        .tty = v->tty,
        .interactive = v->interactive,
        .auto_remove = v->auto_remove,
        .read_only = v->read_only,
        .invocation = &invocation,
    };
    r = v->rootfs ? create_of_rootfs(in, v, &o, ret, err) : create_of_image(in, v, &o, ret, err);
    if (r == 0 && v->cidfile && (r = write_cidfile(v->cidfile, ret->id, err)) < 0)
        container_remove(in->engine, ret, true, 0, &(struct err){0});
    return r;
}
