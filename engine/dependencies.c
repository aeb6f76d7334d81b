/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers a container needs. */
#include "engine/dependencies.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEPENDENTS "dependents"
#define DEPTH_MAX  64 /* only a config.json that somebody wrote could have a circle */

static void add_once(struct strv *ids, const char *id)
{
    if (!strv_contains(ids, id))
        strv_add(ids, id);
}

int create_dependencies(struct engine *e, const struct strv *requires, json_t *document,
                        struct err *err)
{
    static const char *const keys[] = {"NetworkMode", "PidMode",    "IpcMode",
                                       "UTSMode",     "CgroupMode", "UsernsMode"};
    const json_t *host = json_object_get(document, "HostConfig");
    auto_strv ids = {0};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const char *mode = json_get_string(host, keys[i], "");
        if (strncmp(mode, "container:", 10) == 0)
            add_once(&ids, mode + 10);
    }
    for (size_t i = 0; requires && i < requires->len; i++) {
        auto_done(store_container) struct store_container c = {0};
        int r = store_container_find(&e->store, requires->v[i], &c, err);
        if (r < 0)
            return r;
        add_once(&ids, c.id);
    }
    if (ids.len)
        json_put(document, "Dependencies", json_from_strv(&ids));
    return 0;
}

static bool is_id(const char *id)
{
    return id_is_prefix(id) && strlen(id) == ID_HEX_LEN;
}

/* Descriptor of containers/<id>, or a negative errno. */
static int open_container_dir(struct store *s, const char *id)
{
    auto_free char *path = xasprintf("containers/%s", id);
    return is_id(id) ? open_dir_at(s->root_fd, path, NULL) : -ENOENT;
}

static int announce_to(struct store *s, const char *other, const char *id, struct err *err)
{
    auto_close int dir = open_container_dir(s, other);
    if (dir < 0)
        return err_kind(err, ERR_NOT_FOUND, -ENOENT,
                        "no container with name or ID \"%.64s\" found: no such container", other);
    if (mkdirat(dir, DEPENDENTS, 0700) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "mkdir " DEPENDENTS);
    auto_free char *path = xasprintf(DEPENDENTS "/%s", id);
    auto_close int fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? err_errno(err, -errno, "create %s", path) : 0;
}

int dependencies_announce(struct store *s, const json_t *document, struct err *err)
{
    auto_strv ids = {0};
    int r = json_want_strv(document, "Dependencies", &ids, err);
    for (size_t i = 0; r == 0 && i < ids.len; i++)
        r = announce_to(s, ids.v[i], json_get_string(document, "Id", ""), err);
    return r;
}

void dependencies_withdraw(struct store *s, const json_t *document)
{
    auto_strv ids = {0};
    json_want_strv(document, "Dependencies", &ids, NULL);
    strv_foreach (&ids, id) {
        auto_close int dir = open_container_dir(s, id);
        auto_free char *path = xasprintf(DEPENDENTS "/%s", json_get_string(document, "Id", ""));
        if (dir >= 0)
            unlinkat(dir, path, 0);
    }
}

int dependencies_start(struct engine *e, const struct store_container *c, struct err *err)
{
    auto_strv ids = {0};
    int r = json_want_strv(c->config, "Dependencies", &ids, err);
    for (size_t i = 0; r == 0 && i < ids.len; i++) {
        auto_done(store_container) struct store_container other = {0};
        auto_close int channel = -1;
        r = store_container_find(&e->store, ids.v[i], &other, err);
        if (r == 0 && !container_is_up(&other))
            r = container_start(e, &other, NULL, &channel, err);
        if (r == -EALREADY) /* somebody else was quicker */
            r = 0;
    }
    return r < 0 && err ? err_wrap(err, "container %s depends on another one", c->name) : r;
}

static int list_dependents(struct store *s, const char *id, struct strv *ret, struct err *err)
{
    auto_strv names = {0};
    auto_close int dir = open_container_dir(s, id);
    if (dir < 0 || !exists_at(dir, DEPENDENTS))
        return 0;
    int r = list_dir_at(dir, DEPENDENTS, &names, err);
    strv_foreach (&names, name) {
        auto_close int other = open_container_dir(s, name);
        if (other >= 0)
            strv_add(ret, name);
    }
    return r;
}

int dependents_check(struct store *s, const struct store_container *c, struct err *err)
{
    auto_strv ids = {0};
    int r = list_dependents(s, c->id, &ids, err);
    if (r < 0 || ids.len == 0)
        return r;
    auto_free char *all = strv_join(&ids, ", ");
    return err_kind(err, ERR_IN_USE, -EBUSY,
                    "container %s has dependent containers which must be removed before it: %.700s",
                    c->id, all);
}

static int collect(struct store *s, const char *id, int depth, struct strv *ret, struct err *err)
{
    auto_strv ids = {0};
    if (depth > DEPTH_MAX)
        return err_set(err, -ELOOP, "containers depend on each other in a circle");
    int r = list_dependents(s, id, &ids, err);
    for (size_t i = 0; r == 0 && i < ids.len; i++) {
        /* Once only: there are more ways than containers when each needs several. */
        if (strv_contains(ret, ids.v[i]))
            continue;
        r = collect(s, ids.v[i], depth + 1, ret, err);
        if (r == 0)
            add_once(ret, ids.v[i]);
    }
    return r;
}

int dependents_all(struct store *s, const struct store_container *c, struct strv *ret,
                   struct err *err)
{
    return collect(s, c->id, 0, ret, err);
}
