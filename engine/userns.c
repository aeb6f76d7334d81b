/* SPDX-License-Identifier: Apache-2.0 */
/* --userns, --uidmap, --gidmap: the ids of a container.
 *
 * HostConfig has UsernsMode as it was given and, for maps and for the range of "auto", IDMappings
 * in podman's form. Nothing else is kept: which subordinate ids the user has is asked at each
 * start. */
#include "engine/userns.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/userns_auto.h"
#include "runtime/idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_mode(const char *mode, const char *name)
{
    size_t n = strlen(name);
    return strncmp(mode, name, n) == 0 && (mode[n] == 0 || mode[n] == ':');
}

/* The number behind "name=" among the options "a=1,b=2" that follow the mode's colon. */
static int mode_option(const char *mode, const char *const *names, int64_t **values,
                       struct err *err)
{
    const char *colon = strchr(mode, ':');
    auto_strv options = {0};
    strv_split(&options, colon ? colon + 1 : "", ',');
    for (size_t i = 0; i < options.len; i++) {
        const char *opt = options.v[i], *eq = strchrnul(opt, '=');
        size_t n = 0;
        while (names[n] &&
               (strncmp(names[n], opt, (size_t)(eq - opt)) != 0 || names[n][eq - opt] != 0))
            n++;
        char *end = NULL;
        errno = 0;
        if (names[n] && *eq && eq[1] >= '0' && eq[1] <= '9')
            *values[n] = strtoll(eq + 1, &end, 10);
        if (!end || *end || errno || *values[n] > INT32_MAX)
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid option \"%s\" of --userns=%s", opt,
                            mode);
    }
    return 0;
}

static int keep_ids(const char *mode, uint32_t *ret_uid, uint32_t *ret_gid, struct err *err)
{
    static const char *const names[] = {"uid", "gid", NULL};
    int64_t uid = geteuid(), gid = getegid();
    int r = mode_option(mode, names, (int64_t *[]){&uid, &gid}, err);
    *ret_uid = (uint32_t)uid;
    *ret_gid = (uint32_t)gid;
    return r;
}

int userns_read(const json_t *document, struct id_maps *ret, struct err *err)
{
    const json_t *host = json_object_get(document, "HostConfig"), *maps = NULL;
    const char *mode = json_get_string(host, "UsernsMode", "");
    struct id_maps base;
    uint32_t uid, gid;
    int r = id_maps_choose(&base, err);
    if (r == 0)
        r = json_want_object(host, "IDMappings", &maps, err);
    if (r < 0)
        return r;
    if (maps) {
        auto_strv uids = {0}, gids = {0};
        r = json_want_strv(maps, "UidMap", &uids, err);
        if (r == 0)
            r = json_want_strv(maps, "GidMap", &gids, err);
        return r < 0 ? r : id_maps_listed(&base, &uids, &gids, ret, err);
    }
    if (is_mode(mode, "keep-id")) {
        r = keep_ids(mode, &uid, &gid, err);
        return r < 0 ? r : id_maps_keep(&base, uid, gid, ret, err);
    }
    if (is_mode(mode, "nomap"))
        return id_maps_without_user(&base, ret, err);
    *ret = base;
    return 0;
}

/* --- create ---------------------------------------------------------------------------------- */

static int put_listed(const struct sandbox_options *o, json_t *host, struct err *err)
{
    if (o->userns && *o->userns && strcmp(o->userns, "private") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--userns cannot be used with --uidmap or --gidmap");
    json_put_string(host, "UsernsMode", "private");
    json_put(host, "IDMappings",
             json_pack("{s:o, s:o}", "UidMap", json_from_strv(&o->uidmaps), "GidMap",
                       json_from_strv(&o->gidmaps)));
    return 0;
}

/* keep-id makes the user the command's user, unless one was named. */
static int put_user(const char *mode, json_t *config, struct err *err)
{
    uint32_t uid, gid;
    int r = keep_ids(mode, &uid, &gid, err);
    if (r == 0 && !*json_get_string(config, "User", "")) {
        auto_free char *user = xasprintf("%u:%u", uid, gid);
        json_put_string(config, "User", user);
    }
    return r;
}

static int put_other(struct engine *e, const char *mode, json_t *host, struct err *err)
{
    if (strncmp(mode, "ns:/", 4) == 0) {
        json_put_string(host, "UsernsMode", mode);
        return 0;
    }
    if (strncmp(mode, "container:", 10) != 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid --userns \"%s\": want host, keep-id, nomap, auto, container:NAME "
                        "or ns:/PATH",
                        mode);
    auto_done(store_container) struct store_container other = {0};
    int r = store_container_find(&e->store, mode + 10, &other, err);
    if (r < 0)
        return r;
    auto_free char *kept = xasprintf("container:%s", other.id);
    json_put_string(host, "UsernsMode", kept);
    return 0;
}

static int put_mode(struct engine *e, const char *mode, json_t *document, int *ret_lock,
                    struct err *err)
{
    json_t *host = json_object_get(document, "HostConfig");
    int r = 0;
    if (is_mode(mode, "keep-id"))
        r = put_user(mode, json_object_get(document, "Config"), err);
    else if (is_mode(mode, "auto"))
        r = userns_auto(e, mode, document, ret_lock, err);
    else if (strcmp(mode, "host") != 0 && strcmp(mode, "nomap") != 0)
        return put_other(e, mode, host, err);
    if (r == 0)
        json_put_string(host, "UsernsMode", mode);
    return r;
}

int create_userns(struct engine *e, const struct sandbox_options *o, json_t *document,
                  int *ret_lock, struct err *err)
{
    json_t *host = json_object_get(document, "HostConfig");
    struct id_maps maps;
    int r = 0;
    if (o->uidmaps.len || o->gidmaps.len)
        r = put_listed(o, host, err);
    else if (o->userns && *o->userns && strcmp(o->userns, "private") != 0)
        r = put_mode(e, o->userns, document, ret_lock, err);
    else
        return 0;
    /* Now, not at the first start, one hears that the ids are not there. */
    return r < 0 ? r : userns_read(document, &maps, err);
}
