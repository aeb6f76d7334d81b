/* SPDX-License-Identifier: Apache-2.0 */
/* From Config and HostConfig to what the sandbox differs in from the default one. */
#include "engine/sandbox_security.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/seccomp_custom.h"
#include "runtime/seccomp_profile.h"
#include "spec/capability.h"
#include "spec/ulimit.h"

#include <stdlib.h>
#include <string.h>

bool sandbox_security_is_root(const json_t *config)
{
    const char *user = json_get_string(config, "User", "");
    size_t n = strcspn(user, ":");
    return n == 0 || (n == 1 && *user == '0') || (n == 4 && strncmp(user, "root", 4) == 0);
}

void sandbox_security_caps(const json_t *document, struct sandbox *sb)
{
    const json_t *host = json_object_get(document, "HostConfig");
    auto_strv add = {0}, drop = {0};
    json_want_strv(host, "CapAdd", &add, NULL);
    json_want_strv(host, "CapDrop", &drop, NULL);
    sb->privileged = json_is_true(json_object_get(host, "Privileged"));
    sb->caps = sandbox_default_caps();
    if (add.len || drop.len)
        capability_merge(sandbox_default_caps(), &add, &drop, &sb->caps, NULL);
    if (sb->privileged)
        sb->caps = capability_all();
    sb->user_caps = capability_set(&add);
}

static void read_security_option(const char *opt, struct sandbox *sb)
{
    if (strcmp(opt, "no-new-privileges") == 0)
        sb->no_new_privs = true;
    else if (strcmp(opt, "seccomp=unconfined") == 0)
        sb->seccomp_unconfined = true;
    else if (strcasecmp(opt, "unmask=all") == 0)
        sb->unmask_all = true;
    else if (strncmp(opt, "unmask=", 7) == 0)
        strv_split(&sb->unmask, opt + 7, ':');
    else if (strncmp(opt, "mask=", 5) == 0)
        strv_split(&sb->mask, opt + 5, ':');
    else if (strncmp(opt, "proc-opts=", 10) == 0)
        sb->proc_options = opt + 10;
}

static int read_security(struct sandbox_config *config, const json_t *host, struct err *err)
{
    struct sandbox *sb = &config->sandbox;
    size_t first = config->owned.len;
    /* The strings stay where they are when the vector grows. */
    int r = json_want_strv(host, "SecurityOpt", &config->owned, err);
    for (size_t i = first; r == 0 && i < config->owned.len; i++)
        read_security_option(config->owned.v[i], sb);
    return r;
}

static int read_limits(struct sandbox_config *config, const json_t *host, struct err *err)
{
    const json_t *all = NULL;
    int r = json_want_array(host, "Ulimits", &all, err);
    if (r < 0 || json_array_size(all) == 0)
        return r;
    config->limits = xcalloc(json_array_size(all), sizeof(*config->limits));
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *l = json_array_get(all, i);
        int64_t soft = -1, hard = -1;
        int resource = ulimit_resource(json_get_string(l, "Name", ""));
        if (resource < 0)
            return err_set(err, -EINVAL, "Ulimits: unknown name");
        if ((r = json_want_int(l, "Soft", &soft, err)) < 0 ||
            (r = json_want_int(l, "Hard", &hard, err)) < 0)
            return r;
        config->limits[i] =
            (struct sandbox_limit){.resource = resource,
                                   .soft = soft < 0 ? SANDBOX_LIMIT_MAX : (uint64_t)soft,
                                   .hard = hard < 0 ? SANDBOX_LIMIT_MAX : (uint64_t)hard};
    }
    config->sandbox.limits = config->limits;
    config->sandbox.n_limits = json_array_size(all);
    return 0;
}

/* "net.ipv4.conf.eth0/100.mtu" is net/ipv4/conf/eth0.100/mtu, as sysctl(8) has it: the first of '.'
 * and '/' that a name has is what separates. */
static char *sysctl_path(const char *name)
{
    char *path = xstrdup(name);
    if (path[strcspn(path, "./")] == '/')
        return path;
    for (char *p = path; *p; p++)
        *p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
    return path;
}

static int read_sysctls(struct sandbox_config *config, const json_t *host, struct err *err)
{
    const json_t *all = NULL;
    int r = json_want_object(host, "Sysctls", &all, err);
    if (r < 0 || json_object_size(all) == 0)
        return r;
    config->sysctls = xcalloc(json_object_size(all), sizeof(*config->sysctls));
    const char *name;
    json_t *value;
    size_t n = 0;
    json_object_foreach ((json_t *)all, name, value) {
        if (!json_is_string(value))
            return err_set(err, -EINVAL, "Sysctls: a value is no string");
        config->sysctls[n++] =
            (struct sandbox_sysctl){.path = sandbox_config_own(config, sysctl_path(name)),
                                    .value = json_string_value(value)};
    }
    config->sandbox.sysctls = config->sysctls;
    config->sandbox.n_sysctls = n;
    return 0;
}

static int read_devices(struct sandbox_config *config, const json_t *host, struct err *err)
{
    const json_t *all = NULL;
    int r = json_want_array(host, "Devices", &all, err);
    if (r < 0 || json_array_size(all) == 0)
        return r;
    config->devices = xcalloc(json_array_size(all), sizeof(*config->devices));
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *d = json_array_get(all, i);
        config->devices[i] =
            (struct sandbox_device){.source = json_get_string(d, "PathOnHost", NULL),
                                    .target = json_get_string(d, "PathInContainer", NULL)};
        if (!config->devices[i].source || !config->devices[i].target)
            return err_set(err, -EINVAL, "Devices: a path is missing");
    }
    config->sandbox.devices = config->devices;
    config->sandbox.n_devices = json_array_size(all);
    return 0;
}

void sandbox_security_mounts(struct sandbox_config *config, const json_t *document)
{
    static const char *const places[] = {"/run", "/tmp", "/var/tmp"};
    const json_t *host = json_object_get(document, "HostConfig");
    if (!config->sandbox.read_only || json_is_false(json_object_get(host, "ReadonlyTmpfs")))
        return;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const json_t *mounts = json_object_get(document, "Mounts");
        bool taken = false;
        for (size_t n = 0; n < json_array_size(mounts); n++)
            taken |= strcmp(json_get_string(json_array_get(mounts, n), "Destination", ""),
                            places[i]) == 0;
        if (!taken)
            sandbox_config_add_mount(config, &(struct sandbox_mount){.kind = MOUNT_TMPFS,
                                                                     .target = places[i],
                                                                     .no_suid = true,
                                                                     .no_dev = true,
                                                                     .copy_up = true});
    }
}

/* A policy that is not the built one comes from the store's cache. */
static int choose_seccomp(struct sandbox_config *config, struct store *s, const json_t *document,
                          struct err *err)
{
    struct sandbox *sb = &config->sandbox;
    const char *profile = json_get_string(document, "SeccompProfile", NULL);
    if (sb->privileged && !profile)
        sb->seccomp_unconfined = true;
    if (sb->seccomp_unconfined ||
        (!profile && seccomp_profile_same(sb->caps, sandbox_default_caps())))
        return 0;
    auto_close int cache = open_made_dir_at(s->root_fd, "cache/seccomp", 0700, NULL);
    int r = seccomp_custom_program(cache, profile, sb->caps, &config->seccomp, &sb->n_seccomp, err);
    sb->seccomp = config->seccomp;
    return r;
}

int sandbox_security_read(struct sandbox_config *config, struct store *s,
                          const struct store_container *c, struct err *err)
{
    const json_t *conf = json_object_get(c->config, "Config");
    const json_t *host = json_object_get(c->config, "HostConfig");
    struct sandbox *sb = &config->sandbox;
    int64_t shm = 0;
    sandbox_security_caps(c->config, sb);
    sb->umask = (mode_t)strtoul(json_get_string(conf, "Umask", "0022"), NULL, 8) & 0777;
    int r = json_want_int(host, "ShmSize", &shm, err);
    sb->shm_size = shm > 0 ? (uint64_t)shm : 0;
    if (r == 0)
        r = json_want_strv(host, "GroupAdd", &sb->groups, err);
    sb->keep_groups = strv_contains(&sb->groups, "keep-groups");
    if (sb->keep_groups)
        strv_clear(&sb->groups);
    if (r == 0)
        r = read_security(config, host, err);
    if (r == 0)
        r = read_limits(config, host, err);
    if (r == 0)
        r = read_sysctls(config, host, err);
    if (r == 0)
        r = read_devices(config, host, err);
    if (r == 0)
        r = choose_seccomp(config, s, c->config, err);
    return r;
}
