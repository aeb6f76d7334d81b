/* SPDX-License-Identifier: Apache-2.0 */
/* The check of containers, their names, and the run directory. */
#include "store/check_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct entry {
    const char *id;
    int fd;
    json_t *config;
    const char *name;
    char *title;
};

static void entry_done(struct entry *e)
{
    close_fd(&e->fd);
    json_decref(e->config);
    free(e->title);
}
DEFINE_AUTO(entry, entry_done)

static void note_layers(struct check *c, const json_t *of)
{
    auto_strv layers = {0};
    if (json_want_strv(of, "Layers", &layers, NULL) < 0)
        return;
    strv_foreach (&layers, layer)
        if (digest_valid(layer))
            json_put(c->in_use, digest_hex(layer), json_true());
}

int check_note_in_use(struct check *c, struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0, j;
    json_t *mount;
    int r = store_container_list(c->s, &all, &n, err);
    for (size_t i = 0; i < n; i++) {
        json_put(c->in_use, json_get_string(all[i].config, "Image", ""), json_true());
        note_layers(c, all[i].config);
        json_array_foreach (json_object_get(all[i].config, "Mounts"), j, mount) {
            const char *id = json_get_string(mount, "ImageID", NULL); /* an image as a mount */
            if (id)
                json_put(c->in_use, id, json_true());
            note_layers(c, mount);
        }
        store_container_done(&all[i]);
    }
    free(all);
    return r;
}

/* --- config.json, state.json -------------------------------------------------------------- */

static int remove_container(struct check *c, const void *arg, struct err *err)
{
    const struct entry *e = arg;
    auto_free char *path = xasprintf("containers/%s", e->id);
    auto_free char *away = xasprintf(TMP_DIR "/%s", e->id); /* garbage there */
    auto_close int lock = openat(e->fd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock >= 0 && lock_fd(lock, true, false, NULL) == -EWOULDBLOCK)
        return err_kind(err, ERR_IN_USE, -EBUSY, "somebody works on it");
    return renameat(c->s->root_fd, path, c->s->root_fd, away) < 0
               ? err_errno(err, -errno, "%s", path)
               : 0;
}

/* It may have been removed while we looked at it. */
static bool is_there(struct check *c, const struct entry *e)
{
    auto_free char *path = xasprintf("containers/%s", e->id);
    return exists_at(c->s->root_fd, path);
}

/* Without its configuration nobody knows what a container is; what it wrote is still there. */
static bool check_config(struct check *c, struct entry *e)
{
    struct err wrong = {0};
    int r = json_read_at(e->fd, "config.json", &e->config, &wrong);
    if (r == 0 && strcmp(json_get_string(e->config, "Id", ""), e->id) != 0)
        r = err_set(&wrong, -EINVAL, "config.json is another container's");
    if (r == 0 && !json_get_string(e->config, "Name", NULL))
        r = err_set(&wrong, -EINVAL, "config.json has no \"Name\"");
    if (r == 0) {
        e->name = json_get_string(e->config, "Name", "");
        free(e->title);
        e->title = xasprintf("container %.12s (%s)", e->id, e->name);
        return true;
    }
    if (!is_there(c, e))
        return false;
    bool damaged = r == -EINVAL || r == -ENOENT || r == -EFBIG; /* not what hinders us now */
    /* One that was to go at its end is not synced: a power failure came before that. */
    bool garbage = damaged && store_container_is_transient(e->fd);
    struct store_finding f = {.what = e->title,
                              .wrong = wrong.message,
                              .remedy = damaged ? "the container is removed" : NULL,
                              .loses = !garbage,
                              .garbage = garbage};
    check_found(c, &f, garbage || (c->o->force && damaged) ? remove_container : NULL, e);
    return false;
}

static int write_state(struct check *c, const void *arg, struct err *err)
{
    const struct entry *e = arg;
    auto_json json_t *state = json_pack("{s:s, s:i}", "Status", "created", "ExitCode", 0);
    return json_write_at(e->fd, "state.json", state, FILE_SYNC, err);
}

/* state.json is written without a sync: after a power failure it may be empty or missing. */
static bool is_empty(const struct entry *e)
{
    struct stat st;
    return fstatat(e->fd, "state.json", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size == 0;
}

static void check_state(struct check *c, const struct entry *e)
{
    auto_json json_t *state = NULL;
    struct err wrong = {0};
    if (json_read_at(e->fd, "state.json", &state, &wrong) == 0 && json_is_object(state))
        return;
    struct store_finding f = {.what = e->title,
                              .wrong = wrong.code ? wrong.message : "state.json is no object",
                              .remedy = "it counts as created",
                              .garbage = is_empty(e)};
    check_found(c, &f, write_state, e);
}

/* --- what it is made of ------------------------------------------------------------------- */

static void check_parts(struct check *c, const struct entry *e)
{
    auto_strv layers = {0};
    static const char *const dirs[] = {"upper", "work"};
    if (json_want_strv(e->config, "Layers", &layers, NULL) == 0)
        strv_foreach (&layers, layer) {
            int64_t size;
            struct err wrong = {0};
            if (store_layer_size(c->s, layer, &size, &wrong) == 0)
                continue;
            struct store_finding f = {.what = e->title, .wrong = wrong.message};
            check_found(c, &f, NULL, NULL);
        }
    for (size_t i = 0; i < 2; i++) {
        struct stat st;
        if (fstatat(e->fd, dirs[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
            continue;
        auto_free char *wrong = xasprintf("its directory %s is missing", dirs[i]);
        struct store_finding f = {.what = e->title, .wrong = wrong};
        check_found(c, &f, NULL, NULL);
    }
}

/* --- names -------------------------------------------------------------------------------- */

static int give_name(struct check *c, const void *arg, struct err *err)
{
    const struct entry *e = arg;
    return store_name_reserve(c->s, e->name, e->id, err);
}

static void check_container_name(struct check *c, const struct entry *e)
{
    auto_free char *holder = NULL;
    bool taken = store_name_lookup(c->s, e->name, &holder) == 0;
    if ((taken && strcmp(holder, e->id) == 0) || !is_there(c, e))
        return;
    struct store_finding f = {.what = e->title,
                              .wrong = taken ? "another container has its name"
                                             : "its name does not lead to it",
                              .remedy = "it gets its name again"};
    check_found(c, &f, taken ? NULL : give_name, e);
}

/* Whether somebody is just making, starting or removing it. */
static bool is_changing(const struct entry *e)
{
    auto_close int lock = openat(e->fd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return lock >= 0 && lock_fd(lock, true, false, NULL) == -EWOULDBLOCK;
}

static void check_container(struct check *c, const char *id)
{
    auto_free char *path = xasprintf("containers/%s", id);
    auto_done(entry) struct entry e = {.id = id, .fd = -1};
    e.title = xasprintf("container %.12s", id);
    if (!id_is_prefix(id) || strlen(id) != ID_HEX_LEN) {
        struct store_finding f = {.what = path, .wrong = "it is no container"};
        check_found(c, &f, NULL, NULL);
        return;
    }
    e.fd = open_dir_at(c->s->root_fd, path, NULL);
    if (e.fd < 0 || is_changing(&e))
        return;
    c->result->containers++;
    if (!check_config(c, &e))
        return;
    check_state(c, &e);
    check_parts(c, &e);
    check_container_name(c, &e);
}

static bool leads_somewhere(struct check *c, const char *name)
{
    auto_free char *id = NULL;
    return store_name_lookup(c->s, name, &id) == 0 && store_name_is_held(c->s, name, id);
}

/* A container that is just being made has its name first. */
static int remove_name(struct check *c, const void *arg, struct err *err)
{
    if (leads_somewhere(c, strchr(arg, '/') + 1))
        return 0;
    if (unlinkat(c->s->root_fd, arg, 0) < 0 && errno != ENOENT)
        return err_errno(err, -errno, "remove %s", (const char *)arg);
    return 0;
}

static int check_names(struct check *c, struct err *err)
{
    auto_strv names = {0};
    int r = list_dir_at(c->s->root_fd, "names", &names, err);
    strv_foreach (&names, name) {
        auto_free char *link = xasprintf("names/%s", name);
        if (leads_somewhere(c, name))
            continue;
        struct store_finding f = {.what = link,
                                  .wrong = "it leads to no container",
                                  .remedy = "it is removed",
                                  .garbage = true};
        check_found(c, &f, remove_name, link);
    }
    return r;
}

/* Run directories of containers that are gone. */
static int check_run(struct check *c, struct err *err)
{
    auto_strv ids = {0};
    int r = list_dir_at(c->s->run_fd, ".", &ids, err);
    strv_foreach (&ids, id) {
        auto_free char *path = xasprintf("containers/%s", id);
        if (!id_is_prefix(id) || strlen(id) != ID_HEX_LEN || exists_at(c->s->root_fd, path))
            continue;
        auto_free char *what = xasprintf("%s/%s", c->s->runroot, id);
        struct store_finding f = {.what = what,
                                  .wrong = "its container is gone",
                                  .remedy = "it is removed",
                                  .garbage = true};
        if (c->o->repair)
            f.done = store_container_remove_run_dir(c->s, id, NULL) == 0;
        check_tell(c, &f);
    }
    return r;
}

int check_containers(struct check *c, struct err *err)
{
    auto_strv ids = {0};
    int r = list_dir_at(c->s->root_fd, "containers", &ids, err);
    if (r < 0)
        return r;
    strv_foreach (&ids, id)
        check_container(c, id);
    r = check_names(c, err);
    return r < 0 ? r : check_run(c, err);
}
