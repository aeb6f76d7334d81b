/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespaces a new container shares. */
#include "engine/create_namespaces.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/sandbox_namespaces.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* One of "a|b". */
static bool is_word(const char *words, const char *word)
{
    auto_strv all = {0};
    strv_split(&all, words, '|');
    return strv_contains(&all, word);
}

/* One that asked to be alone in its IPC namespace, or has no memory to share. */
static int check_shareable(const struct store_container *c, const char *flag, struct err *err)
{
    const char *mode =
        json_get_string(json_object_get(c->config, "HostConfig"), "IpcMode", "shareable");
    if (strcmp(flag, "ipc") != 0 || (strcmp(mode, "private") != 0 && strcmp(mode, "none") != 0))
        return 0;
    return err_set(err, -EPERM,
                   "joining IPC of container %s is not allowed: non-shareable IPC (hint: use "
                   "--ipc=shareable for the donor container)",
                   c->name);
}

/* MODE as it is kept, or an error that names the flag. */
static int check_mode(struct engine *e, const char *flag, const char *mode, const char *more,
                      char **ret, struct err *err)
{
    const char *rest = strchr(mode, ':');
    if (strcmp(mode, "private") == 0 || strcmp(mode, "host") == 0 ||
        (more && is_word(more, mode))) {
        *ret = xstrdup(mode);
        return 0;
    }
    if (strncmp(mode, "ns:/", 4) == 0) {
        if (access(rest + 1, F_OK) < 0)
            return err_errno(err, -errno, "--%s: %s", flag, rest + 1);
        *ret = xstrdup(mode);
        return 0;
    }
    if (strncmp(mode, "container:", 10) == 0) {
        auto_done(store_container) struct store_container other = {0};
        int r = store_container_find(&e->store, rest + 1, &other, err);
        if (r == 0)
            r = check_shareable(&other, flag, err);
        if (r < 0)
            return r;
        *ret = xasprintf("container:%s", other.id);
        return 0;
    }
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "invalid --%s \"%s\": want private|host%s%s, container:NAME or ns:/PATH", flag,
                    mode, more ? "|" : "", more ? more : "");
}

static int put_mode(struct engine *e, const char *flag, const char *mode, const char *more,
                    const char *key, json_t *host, struct err *err)
{
    char *kept = NULL;
    if (!mode || !*mode)
        return 0;
    int r = check_mode(e, flag, mode, more, &kept, err);
    if (r == 0)
        json_put_string(host, key, kept);
    free(kept);
    return r;
}

bool namespace_is_shared(const json_t *host, const char *key)
{
    const char *mode = json_get_string(host, key, "private");
    return strcmp(mode, "host") == 0 || strchr(mode, ':');
}

/* What cannot be true together; the messages say why, as podman's do. */
static int check_together(const struct sandbox_options *o, bool hostname, const json_t *host,
                          struct err *err)
{
    if (hostname && namespace_is_shared(host, "UTSMode"))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "cannot set hostname when running in another UTS namespace");
    if (o->shm_size && namespace_is_shared(host, "IpcMode"))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "cannot set shm-size when running in another IPC namespace");
    if (o->shm_size && strcmp(json_get_string(host, "IpcMode", ""), "none") == 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "--ipc=none has no /dev/shm to set a size of");
    if (o->init && namespace_is_shared(host, "PidMode"))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "cannot add init as PID 1: the PID namespace isn't private");
    return 0;
}

/* --network: one of its own, or as the other namespaces. */
static int put_network(struct engine *e, const struct network_options *o, json_t *host,
                       struct err *err)
{
    int r = create_network(o, host, err);
    return r == 0 && !json_object_get(host, "NetworkMode")
               ? put_mode(e, "network", o->mode, "none|slirp4netns", "NetworkMode", host, err)
               : r;
}

int create_namespaces(struct engine *e, const struct sandbox_options *o,
                      const struct network_options *network, bool hostname, json_t *host,
                      struct err *err)
{
    int r = put_mode(e, "pid", o->pid, NULL, "PidMode", host, err);
    if (r == 0)
        r = put_mode(e, "ipc", o->ipc, "shareable|none", "IpcMode", host, err);
    if (r == 0)
        r = put_mode(e, "uts", o->uts, NULL, "UTSMode", host, err);
    if (r == 0)
        r = put_mode(e, "cgroupns", o->cgroupns, NULL, "CgroupMode", host, err);
    if (r == 0)
        r = put_network(e, network, host, err);
    return r < 0 ? r : check_together(o, hostname, host, err);
}

char *namespaces_hostname(struct engine *e, const json_t *host)
{
    const char *uts = json_get_string(host, "UTSMode", "private");
    struct utsname machine;
    if (strncmp(uts, "container:", 10) == 0) {
        auto_done(store_container) struct store_container other = {0};
        if (store_container_find(&e->store, uts + 10, &other, NULL) < 0)
            return NULL;
        const json_t *config = json_object_get(other.config, "Config");
        return strdup_or_null(json_get_string(config, "Hostname", NULL));
    }
    bool hosts = strcmp(uts, "host") == 0 ||
                 strcmp(json_get_string(host, "NetworkMode", "none"), "host") == 0;
    return hosts && uname(&machine) == 0 ? xstrdup(machine.nodename) : NULL;
}
