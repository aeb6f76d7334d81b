/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's config.json to the sandbox it describes. */
#include "engine/sandbox_config.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/create_secrets.h"
#include "engine/emulation.h"
#include "engine/sandbox_environment.h"
#include "engine/sandbox_mounts.h"
#include "engine/sandbox_namespaces.h"
#include "engine/sandbox_network.h"
#include "engine/sandbox_resources.h"
#include "engine/sandbox_security.h"
#include "engine/userns.h"

#include <unistd.h>

void sandbox_config_add_mount(struct sandbox_config *config, const struct sandbox_mount *mount)
{
    config->mounts = xrealloc(config->mounts, config->n_mounts + 1, sizeof(*mount));
    config->mounts[config->n_mounts++] = *mount;
}

const char *sandbox_config_own(struct sandbox_config *config, char *s)
{
    strv_add_owned(&config->owned, s);
    return s;
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

int sandbox_config_read(struct sandbox_config *ret, struct store *s,
                        const struct store_container *c, const struct id_maps *ids, struct err *err)
{
    const json_t *config = NULL, *host = NULL;
    int r = json_want_object(c->config, "Config", &config, err);
    if (r == 0)
        r = json_want_object(c->config, "HostConfig", &host, err);
    if (r < 0)
        return r;
    struct sandbox *sb = &ret->sandbox;
    sb->id = c->id;
    sb->root_dir = json_get_string(c->config, "Rootfs", NULL);
    sb->hostname = json_get_string(config, "Hostname", c->name);
    sb->work_dir = json_get_string(config, "WorkingDir", "/");
    sb->user = json_get_string(config, "User", "");
    sandbox_namespaces_read(sb, c->config);
    r = sandbox_network_read(c->config, &ret->network, err);
    if (r < 0)
        return r;
    ret->has_network = r;
    r = read_command(sb, c->config, config, err);
    if (r == 0)
        r = json_want_bool(host, "ReadonlyRootfs", &sb->read_only, err);
    if (r == 0)
        r = json_want_bool(host, "AutoRemove", &ret->auto_remove, err);
    if (r == 0 && ids)
        sb->ids = *ids;
    else if (r == 0)
        r = userns_read(c->config, &sb->ids, err);
    if (r == 0)
        r = emulation_choose(json_get_string(host, "RootEmulation", NULL), &sb->ids, &sb->emulation,
                             err);
    if (r < 0)
        return r;
    r = sandbox_security_read(ret, s, c, err);
    if (r == 0)
        r = sandbox_resources_read(ret, host, err);
    if (r == 0)
        r = sandbox_environment_read(ret, c->config, err);
    if (r == 0)
        r = sandbox_mounts_read(ret, s, c, err);
    if (r == 0)
        r = sandbox_secrets_read(ret, c, err);
    if (r == 0)
        sandbox_security_mounts(ret, c->config);
    sandbox_mounts_order(ret);
    return r;
}

void sandbox_config_done(struct sandbox_config *config)
{
    strv_done(&config->sandbox.args);
    strv_done(&config->sandbox.env);
    strv_done(&config->sandbox.unset_env);
    strv_done(&config->sandbox.users.lines);
    strv_done(&config->sandbox.groups);
    strv_done(&config->sandbox.mask);
    strv_done(&config->sandbox.unmask);
    for (size_t i = 0; i < config->n_ns_fds; i++)
        close(config->ns_fds[i]);
    strv_done(&config->owned);
    cgroup_done(&config->cgroup);
    free(config->limits);
    free(config->sysctls);
    free(config->devices);
    free(config->seccomp);
    free(config->mounts);
}
