/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: make, find, list, remove.
 *
 * Theory of operation. A volume is made whole in tmp/ (volume.json, _data, fresh, lock) and moved
 * to volumes/<name>, where it fails when there is one already; so of several makers one gets it and
 * the others use it. Removal goes the other way: under the exclusive index lock it is seen that no
 * container has it, and it is moved to tmp/; a container comes in under the shared index lock,
 * where its volumes are looked for (containers.c). So no container is ever without its volumes.
 *
 * volumes/<name>/lock is held by whoever fills _data (copy-up, import) or removes the volume: it is
 * taken before the index lock. What is in _data may belong to subordinate ids, which only a user
 * namespace can remove: store_remove_tree(). */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define VOLUMES_DIR "volumes"

bool store_volume_name_valid(const char *name)
{
    return store_object_name_valid(name);
}

static char *volume_path(const char *name)
{
    return xasprintf(VOLUMES_DIR "/%s", name);
}

void store_volume_done(struct store_volume *v)
{
    free(v->name);
    free(v->path);
    if (v->config)
        close_fd(&v->fd);
    json_decref(v->config);
    *v = (struct store_volume){.fd = -1};
}

void store_volume_list_done(struct store_volume *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_volume_done(&all[i]);
    free(all);
}

static int not_found(const char *name, struct err *err)
{
    return err_kind(err, ERR_NOT_FOUND, -ENOENT,
                    "no volume with name \"%.300s\" found: no such volume", name);
}

/* --- create --------------------------------------------------------------------------------- */

static int fill_directory(int fd, const json_t *config, bool durable, struct err *err)
{
    int r = store_mkdir(fd, "_data", err);
    /* The container's users enter it; others of this machine do not come so far. */
    if (r == 0 && fchmodat(fd, "_data", 0755, 0) < 0)
        r = err_errno(err, -errno, "chmod _data");
    if (r == 0)
        r = file_write_at(fd, "fresh", "", 0, 0600, 0, err);
    return r < 0 ? r : json_write_at(fd, "volume.json", config, durable ? FILE_SYNC : 0, err);
}

static void hold(struct store *s, const char *name, int fd, json_t *config,
                 struct store_volume *ret)
{
    *ret = (struct store_volume){.name = xstrdup(name),
                                 .path = xasprintf("%s/" VOLUMES_DIR "/%s", s->root, name),
                                 .fd = fd,
                                 .config = config};
}

int store_volume_create(struct store *s, const json_t *config, bool durable,
                        struct store_volume *ret, struct err *err)
{
    const char *name = json_get_string(config, "Name", "");
    if (!store_volume_name_valid(name))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "volume name \"%.100s\": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: "
                        "invalid argument",
                        name);
    auto_done(staging) struct staging st = {.store = s, .fd = -1, .lock = -1};
    int r = store_staging_make(s, &st, err);
    if (r == 0)
        r = fill_directory(st.fd, config, durable, err);
    if (r < 0)
        return r;
    auto_free char *staged = xasprintf(TMP_DIR "/%s", st.name), *path = volume_path(name);
    if (renameat2(s->root_fd, staged, s->root_fd, path, RENAME_NOREPLACE) < 0) {
        if (errno == EEXIST)
            return err_kind(err, ERR_EXISTS, -EEXIST,
                            "volume with name %s already exists: volume already exists", name);
        return err_errno(err, -errno, "make volume %s", name);
    }
    free(take_ptr(st.name));
    r = durable ? store_sync_dir(s->root_fd, VOLUMES_DIR, err) : 0;
    if (r < 0)
        return r;
    hold(s, name, take_fd(&st.fd), json_deep_copy(config), ret);
    return 0;
}

/* --- find and list -------------------------------------------------------------------------- */

/* A directory without a good volume.json is still somebody's data: it counts as a plain volume. */
static int open_volume(struct store *s, const char *name, struct store_volume *ret, struct err *err)
{
    auto_free char *path = volume_path(name);
    auto_close int fd = open_dir_at(s->root_fd, path, err);
    if (fd < 0)
        return fd;
    auto_json json_t *config = NULL;
    struct err wrong = {0};
    if (json_read_at(fd, "volume.json", &config, &wrong) < 0 || !json_is_object(config)) {
        log_debug("volume %s: %s", name, wrong.message);
        json_decref(config);
        config = json_object();
    }
    json_put_string(config, "Name", name);
    hold(s, name, take_fd(&fd), take_ptr(config), ret);
    return 0;
}

static int names_of_volumes(struct store *s, struct strv *ret, struct err *err)
{
    auto_strv names = {0};
    if (!exists_at(s->root_fd, VOLUMES_DIR))
        return 0; /* lost: there are none, and `system check` says so */
    int r = list_dir_at(s->root_fd, VOLUMES_DIR, &names, err);
    strv_foreach (&names, name)
        if (store_volume_name_valid(name))
            strv_add(ret, name);
    return r;
}

/* *ret is the one name that begins so. */
static int name_by_prefix(struct store *s, const char *prefix, char **ret, struct err *err)
{
    auto_strv names = {0};
    const char *found = NULL;
    int r = names_of_volumes(s, &names, err);
    if (r < 0)
        return r;
    strv_foreach (&names, name) {
        if (strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        if (found)
            return err_set(err, -EINVAL,
                           "volume name \"%s\" is ambiguous: it is the start of more than one",
                           prefix);
        found = name;
    }
    if (!found)
        return not_found(prefix, err);
    *ret = xstrdup(found);
    return 0;
}

int store_volume_find(struct store *s, const char *name, struct store_volume *ret, struct err *err)
{
    if (!store_volume_name_valid(name))
        return not_found(name, err);
    int r = open_volume(s, name, ret, NULL);
    if (r == 0)
        return 0;
    auto_free char *full = NULL;
    if ((r = name_by_prefix(s, name, &full, err)) < 0)
        return r;
    r = open_volume(s, full, ret, err);
    return r == -ENOENT ? not_found(name, err) : r;
}

int store_volume_open(struct store *s, const char *name, struct store_volume *ret, struct err *err)
{
    int r = store_volume_name_valid(name) ? open_volume(s, name, ret, err) : -ENOENT;
    return r == -ENOENT ? not_found(name, err) : r;
}

int store_volume_list(struct store *s, struct store_volume **ret, size_t *ret_n, struct err *err)
{
    auto_strv names = {0};
    int r = names_of_volumes(s, &names, err);
    if (r < 0)
        return r;
    struct store_volume *all = xcalloc(names.len, sizeof(*all));
    size_t n = 0;
    strv_foreach (&names, name)
        n += open_volume(s, name, &all[n], NULL) == 0;
    *ret = all;
    *ret_n = n;
    return 0;
}

/* --- who has which -------------------------------------------------------------------------- */

int store_volumes_exist(struct store *s, const json_t *container, struct err *err)
{
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(container, "Mounts"), i, mount) {
        const char *name = json_get_string(mount, "Name", NULL);
        if (!name || strcmp(json_get_string(mount, "Type", ""), "volume") != 0)
            continue;
        auto_free char *path = volume_path(name);
        if (!store_volume_name_valid(name) || !exists_at(s->root_fd, path))
            return err_kind(err, ERR_NOT_FOUND, -ENOENT, "volume %s was removed", name);
    }
    return 0;
}

int store_volume_users(struct store *s, json_t **ret, struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0, j;
    json_t *mount;
    auto_json json_t *users = json_object();
    int r = store_container_list(s, &all, &n, err);
    for (size_t i = 0; i < n; i++) {
        json_array_foreach (json_object_get(all[i].config, "Mounts"), j, mount) {
            const char *name = json_get_string(mount, "Name", NULL);
            if (!name)
                continue;
            if (!json_object_get(users, name))
                json_put(users, name, json_array());
            json_array_append_new(json_object_get(users, name), json_string(all[i].id));
        }
        store_container_done(&all[i]);
    }
    free(all);
    if (r == 0)
        *ret = take_ptr(users);
    return r;
}

/* --- remove --------------------------------------------------------------------------------- */

int store_volume_lock(struct store_volume *v, struct err *err)
{
    auto_free char *what = xasprintf("volume %s", v->name);
    auto_close int fd = openat(v->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(err, -errno, "lock %s", what);
    int r = store_lock_patiently(fd, true, what, err);
    if (r < 0)
        return r;
    struct stat held, named;
    if (fstat(v->fd, &held) < 0 || stat(v->path, &named) < 0 || held.st_ino != named.st_ino ||
        held.st_dev != named.st_dev)
        return not_found(v->name, err);
    return take_fd(&fd);
}

static int in_use(const char *name, const json_t *ids, struct err *err)
{
    auto_strv users = {0};
    for (size_t i = 0; i < json_array_size(ids); i++)
        strv_add(&users, json_string_value(json_array_get(ids, i)));
    auto_free char *list = strv_join(&users, ", ");
    return err_kind(err, ERR_IN_USE, -EBUSY,
                    "volume %s is being used by the following container(s): %.600s: volume is "
                    "being used",
                    name, list);
}

/* Under the exclusive index lock, which keeps containers from being made. */
static int move_away(struct store *s, const char *name, char **ret_away, struct err *err)
{
    auto_json json_t *users = NULL;
    auto_close int lock = store_index_lock(s, true, err);
    int r = lock < 0 ? lock : store_volume_users(s, &users, err);
    if (r < 0)
        return r;
    if (json_object_get(users, name))
        return in_use(name, json_object_get(users, name), err);
    char id[ID_HEX_LEN + 1];
    id_random(id);
    auto_free char *from = volume_path(name), *to = xasprintf(TMP_DIR "/%.24s", id);
    if (renameat(s->root_fd, from, s->root_fd, to) < 0)
        return errno == ENOENT ? not_found(name, err)
                               : err_errno(err, -errno, "remove volume %s", name);
    *ret_away = take_ptr(to);
    return 0;
}

int store_volume_remove(struct store *s, struct store_volume *v, struct err *err)
{
    auto_free char *away = NULL;
    /* Held until all is gone, so that nobody takes it for garbage meanwhile. */
    auto_close int lock = store_volume_lock(v, err);
    int r = lock < 0 ? lock : move_away(s, v->name, &away, err);
    return r < 0 ? r : store_remove_tree(s, away, err);
}

int store_remove_tree_at(struct store *s, int dirfd, const char *path, struct err *err)
{
    struct err failed = {0};
    int r = remove_tree_at(dirfd, path, &failed);
    if ((r == -EACCES || r == -EPERM) && s->remove_foreign)
        return s->remove_foreign(dirfd, path, err);
    if (r < 0 && err)
        *err = failed;
    return r;
}

int store_remove_tree(struct store *s, const char *path, struct err *err)
{
    return store_remove_tree_at(s, s->root_fd, path, err);
}
