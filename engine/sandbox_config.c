/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's config.json to the sandbox it describes. */
#include "engine/sandbox_config.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/network_files.h"

#include <string.h>

static void add_mount(struct sandbox_config *config, struct sandbox_mount mount)
{
    config->mounts = xrealloc(config->mounts, config->n_mounts + 1, sizeof(mount));
    config->mounts[config->n_mounts++] = mount;
}

static void add_own_files(struct sandbox_config *config, const struct store_container *c)
{
    for (size_t i = 0; i < NETWORK_FILES; i++) {
        strv_addf(&config->owned, "%s/%s", c->path, network_files[i].name);
        add_mount(config, (struct sandbox_mount){.kind = MOUNT_BIND,
                                                 .source = config->owned.v[config->owned.len - 1],
                                                 .target = network_files[i].target});
    }
}

static int add_volumes(struct sandbox_config *config, const json_t *document, struct err *err)
{
    const json_t *mounts = NULL;
    int r = json_want_array(document, "Mounts", &mounts, err);
    if (r < 0)
        return r;
    size_t i;
    json_t *m;
    json_array_foreach ((json_t *)mounts, i, m) {
        bool writable = true;
        r = json_want_bool(m, "RW", &writable, err);
        const char *source = json_get_string(m, "Source", NULL);
        const char *target = json_get_string(m, "Destination", NULL);
        if (r < 0 || !source || !target)
            return r < 0 ? r : err_set(err, -EINVAL, "a mount lacks Source or Destination");
        add_mount(config, (struct sandbox_mount){.kind = MOUNT_BIND,
                                                 .source = source,
                                                 .target = target,
                                                 .read_only = !writable,
                                                 .recursive = true});
    }
    return 0;
}

static int read_command(struct sandbox *sb, const json_t *document, const json_t *config,
                        struct err *err)
{
    const char *path = json_get_string(document, "Path", NULL);
    if (!path)
        return err_set(err, -EINVAL, "config.json has no Path");
    strv_add(&sb->args, path);
    int r = json_want_strv(document, "Args", &sb->args, err);
    if (r == 0)
        r = json_want_strv(config, "Env", &sb->env, err);
    if (r == 0)
        r = json_want_bool(config, "Tty", &sb->tty, err);
    if (r == 0)
        r = json_want_bool(config, "OpenStdin", &sb->keep_stdin, err);
    return r;
}

int sandbox_config_read(struct sandbox_config *ret, const struct store_container *c,
                        struct err *err)
{
    const json_t *config = NULL, *host = NULL;
    int r = json_want_object(c->config, "Config", &config, err);
    if (r == 0)
        r = json_want_object(c->config, "HostConfig", &host, err);
    if (r < 0)
        return r;
    struct sandbox *sb = &ret->sandbox;
    sb->id = c->id;
    sb->hostname = json_get_string(config, "Hostname", c->name);
    sb->work_dir = json_get_string(config, "WorkingDir", "/");
    sb->user = json_get_string(config, "User", "");
    sb->caps = sandbox_default_caps();
    sb->umask = 0022;
    if (strcmp(json_get_string(host, "NetworkMode", "none"), "host") == 0)
        sb->ns[NS_NET].mode = NS_HOST;
    r = read_command(sb, c->config, config, err);
    if (r == 0)
        r = json_want_bool(host, "ReadonlyRootfs", &sb->read_only, err);
    if (r == 0)
        r = json_want_bool(host, "AutoRemove", &ret->auto_remove, err);
    if (r == 0)
        r = id_maps_choose(&sb->ids, err);
    if (r < 0)
        return r;
    add_own_files(ret, c);
    r = add_volumes(ret, c->config, err);
    sb->mounts = ret->mounts;
    sb->n_mounts = ret->n_mounts;
    return r;
}

void sandbox_config_done(struct sandbox_config *config)
{
    strv_done(&config->sandbox.args);
    strv_done(&config->sandbox.env);
    strv_done(&config->owned);
    free(config->mounts);
}
