/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: make, find, list, remove.
 *
 * Theory of operation. A container is made whole in tmp/. Then, under the shared index lock, the
 * link names/<name> -> ../containers/<id> is made, which is the reservation of the name: of several
 * makers one gets it; and the directory is moved to containers/<id>. Removal goes the same way: the
 * move to tmp/, the link, the tree. So a crash leaves a directory in tmp/, which is garbage, or a
 * name without a container, and never a container without its name. Such a name is free: whoever
 * wants it removes it, under the exclusive lock, and only there names are removed, so nobody
 * removes another's new one.
 *
 * containers/<id>/lock is held while it is made, and around each change of its life. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/when.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define OWN_FILES 64 /* descriptors that we have beside those of a list */

#define LINK_PREFIX "../containers/"

struct container_path {
    char s[sizeof("containers/") + ID_HEX_LEN];
};

static struct container_path container_path(const char *id)
{
    struct container_path p;
    snprintf(p.s, sizeof(p.s), "containers/%.64s", id);
    return p;
}

static bool is_full_id(const char *s)
{
    return id_is_prefix(s) && strlen(s) == ID_HEX_LEN;
}

bool store_object_name_valid(const char *s)
{
    static const char alnum[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t first = strspn(s, alnum), n = first;
    while (s[n] && (strchr(alnum, s[n]) || strchr("_.-", s[n])))
        n++;
    return first > 0 && n <= NAME_MAX && s[n] == 0;
}

void store_container_done(struct store_container *c)
{
    free(c->id);
    free(c->name);
    free(c->path);
    /* A zeroed struct holds no descriptor 0. */
    if (c->config || c->fd > 0)
        close_fd(&c->fd);
    store_container_let_go(c);
    json_decref(c->config);
    json_decref(c->state);
    *c = (struct store_container){.fd = -1};
}

/* --- names -------------------------------------------------------------------------------- */

int store_name_lookup(struct store *s, const char *name, char **ret_id)
{
    if (!store_object_name_valid(name))
        return -ENOENT;
    auto_free char *path = xasprintf("names/%s", name);
    auto_free char *target = NULL;
    int r = read_link_at(s->root_fd, path, &target, NULL);
    if (r < 0)
        return r;
    if (strncmp(target, LINK_PREFIX, strlen(LINK_PREFIX)) != 0 ||
        !is_full_id(target + strlen(LINK_PREFIX)))
        return -ENOENT;
    *ret_id = xstrdup(target + strlen(LINK_PREFIX));
    return 0;
}

static int name_taken(const char *name, const char *id, struct err *err)
{
    return err_kind(err, ERR_EXISTS, -EEXIST,
                    "the container name \"%s\" is already in use by %s: remove that container to "
                    "use the name again",
                    name, id);
}

/* A rename that was killed leaves a second link. */
bool store_name_is_held(struct store *s, const char *name, const char *id)
{
    struct container_path path = container_path(id);
    auto_close int dir = open_dir_at(s->root_fd, path.s, NULL);
    auto_json json_t *config = NULL;
    if (dir < 0)
        return false;
    if (json_read_at(dir, "config.json", &config, NULL) == 0)
        return strcmp(json_get_string(config, "Name", name), name) == 0;
    /* What is damaged keeps its name, for `system check` to tell. */
    return !store_container_is_transient(dir);
}

/* Frees the name if its container is missing: 0, or the error that it is in use. */
static int name_free_stale(struct store *s, const char *name, struct err *err)
{
    auto_close int lock = store_index_lock(s, true, err);
    if (lock < 0)
        return lock;
    auto_free char *id = NULL;
    if (store_name_lookup(s, name, &id) == 0 && store_name_is_held(s, name, id))
        return name_taken(name, id, err);
    auto_free char *link = xasprintf("names/%s", name);
    if (unlinkat(s->root_fd, link, 0) < 0 && errno != ENOENT)
        return err_errno(err, -errno, "remove %s", link);
    return 0;
}

int store_name_reserve(struct store *s, const char *name, const char *id, struct err *err)
{
    auto_free char *link = xasprintf("names/%s", name);
    auto_free char *target = xasprintf(LINK_PREFIX "%s", id);
    if (symlinkat(target, s->root_fd, link) == 0)
        return 0;
    return errno == EEXIST ? name_taken(name, "another container", err)
                           : err_errno(err, -errno, "name %s", name);
}

/* Only a link that leads to this container is removed. */
static void name_release(struct store *s, const char *name, const char *id)
{
    auto_free char *holder = NULL;
    auto_close int lock = store_index_lock(s, true, NULL);
    if (lock < 0 || store_name_lookup(s, name, &holder) < 0 || strcmp(holder, id) != 0)
        return; /* a link that stays leads nowhere: the name is free all the same */
    auto_free char *link = xasprintf("names/%s", name);
    unlinkat(s->root_fd, link, 0);
}

/* --- create ------------------------------------------------------------------------------- */

static int name_invalid(const char *name, struct err *err)
{
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "container name \"%.100s\" is invalid: it must be at most 255 letters, "
                    "digits, \"_\", \".\" or \"-\" and begin with a letter or digit",
                    name);
}

static int want_identity(const json_t *config, char **ret_id, char **ret_name, struct err *err)
{
    auto_free char *id = NULL, *name = NULL;
    int r = json_want_string(config, "Id", &id, err);
    if (r == 0)
        r = json_want_string(config, "Name", &name, err);
    if (r < 0)
        return r;
    if (!id || !is_full_id(id))
        return err_set(err, -EINVAL, "the container's configuration has no valid \"Id\"");
    if (!name || !store_object_name_valid(name))
        return name_invalid(name ? name : "", err);
    *ret_id = take_ptr(id);
    *ret_name = take_ptr(name);
    return 0;
}

bool store_container_is_transient(int fd)
{
    return exists_at(fd, TRANSIENT_FILE);
}

/* A name in a directory is there before names that were made later, whatever is synced. */
static int mark_transient(int fd, struct err *err)
{
    auto_close int mark =
        openat(fd, TRANSIENT_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return mark < 0 ? err_errno(err, -errno, "create %s", TRANSIENT_FILE) : 0;
}

static bool is_auto_remove(const json_t *config)
{
    return json_is_true(json_object_get(json_object_get(config, "HostConfig"), "AutoRemove"));
}

static int fill_directory(int fd, const json_t *config, const json_t *state, struct err *err)
{
    bool transient = is_auto_remove(config);
    int r = transient ? mark_transient(fd, err) : 0;
    if (r == 0)
        r = store_mkdir(fd, "upper", err);
    if (r == 0)
        r = store_mkdir(fd, "work", err);
    /* state.json is written again at each start: only the configuration must outlive a power cut
     * that comes now. */
    if (r == 0)
        r = json_write_at(fd, "state.json", state, 0, err);
    if (r == 0)
        r = json_write_at(fd, "config.json", config, transient ? 0 : FILE_SYNC, err);
    /* Its time orders lists, and the kernel's own is as coarse as a clock tick. */
    struct timespec now = time_now();
    if (r == 0)
        utimensat(fd, "config.json", (struct timespec[]){now, now}, 0);
    return r;
}

struct arrival {
    const char *staged, *path, *id, *name;
    const struct store_image *image;
    const json_t *config;
};

/* Under the shared index lock: whoever removes images looks for their containers under the
 * exclusive one, and so does whoever frees a name. ERR_EXISTS: the name is there already. */
static int move_in_locked(struct store *s, const struct arrival *a, struct err *err)
{
    auto_json json_t *index = NULL;
    int r = a->image ? store_index_read(s, &index, err) : 0;
    if (r < 0)
        return r;
    if (a->image && !a->image->lower && !store_index_has(index, a->image->digest))
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "%.300s: image not known", a->image->id);
    r = store_volumes_exist(s, a->config, err);
    if (r == 0)
        r = store_name_reserve(s, a->name, a->id, err);
    if (r < 0)
        return r;
    if (renameat2(s->root_fd, a->staged, s->root_fd, a->path, RENAME_NOREPLACE) == 0)
        return 0;
    r = err_errno(err, -errno, "publish %s", a->path);
    auto_free char *link = xasprintf("names/%s", a->name);
    unlinkat(s->root_fd, link, 0);
    return r;
}

static int move_in(struct store *s, const struct arrival *a, struct err *err)
{
    for (int tries = 0;; tries++) {
        struct err failed = {0};
        int lock = store_index_lock(s, false, err);
        if (lock < 0)
            return lock;
        int r = move_in_locked(s, a, &failed);
        close(lock);
        if (r == -EEXIST && failed.kind == ERR_EXISTS && tries < 3) {
            r = name_free_stale(s, a->name, err);
            if (r < 0)
                return r;
            continue;
        }
        if (r < 0 && err)
            *err = failed;
        return r;
    }
}

/* Moves the staged directory to its place and gives it its name, or undoes. */
static int publish(struct store *s, struct staging *st, const char *id, const char *name,
                   const struct store_image *image, const json_t *config, struct err *err)
{
    auto_free char *staged = xasprintf(TMP_DIR "/%s", st->name);
    struct container_path path = container_path(id);
    struct arrival a = {
        .staged = staged, .path = path.s, .id = id, .name = name, .image = image, .config = config};
    int r = move_in(s, &a, err);
    if (r < 0)
        return r;
    if (is_auto_remove(config)) {
        free(take_ptr(st->name));
        return 0;
    }
    /* In this order, so that no container outlives a power failure without its name. */
    r = store_sync_dir(s->root_fd, "names", err);
    if (r == 0)
        r = store_sync_dir(s->root_fd, "containers", err);
    if (r < 0) { /* back, for store_staging_done() to remove */
        renameat(s->root_fd, path.s, s->root_fd, staged);
        name_release(s, name, id);
        return r;
    }
    free(take_ptr(st->name));
    return 0;
}

int store_container_create(struct store *s, const json_t *config, const json_t *state,
                           const struct store_image *image, struct store_container *ret,
                           struct err *err)
{
    auto_free char *id = NULL, *name = NULL, *holder = NULL;
    auto_done(staging) struct staging st = {.store = s, .fd = -1, .lock = -1};
    int r = want_identity(config, &id, &name, err);
    if (r < 0)
        return r;
    /* The usual refusal, cheaply; what counts is the link. */
    if (store_name_lookup(s, name, &holder) == 0 && (r = name_free_stale(s, name, err)) < 0)
        return r;
    r = store_staging_make(s, &st, err);
    if (r == 0)
        r = fill_directory(st.fd, config, state, err);
    if (r == 0)
        r = publish(s, &st, id, name, image, config, err);
    if (r < 0)
        return r;
    struct container_path path = container_path(id);
    *ret = (struct store_container){
        .path = xasprintf("%s/%s", s->root, path.s),
        .id = take_ptr(id),
        .name = take_ptr(name),
        .fd = take_fd(&st.fd),
        .lock = take_fd(&st.lock),
        .config = json_deep_copy(config),
        .state = json_deep_copy(state),
    };
    return 0;
}

/* --- find and list ------------------------------------------------------------------------ */

static json_t *read_state(int fd)
{
    json_t *state = NULL;
    struct err err = {0};
    if (json_read_at(fd, "state.json", &state, &err) < 0) {
        log_debug("state.json: %s", err.message);
        return json_object();
    }
    if (!json_is_object(state)) {
        json_decref(state);
        return json_object();
    }
    return state;
}

/* -ENOENT when it is not there or only half of it is still there. */
static int open_container(struct store *s, const char *id, struct store_container *ret,
                          struct err *err)
{
    struct container_path path = container_path(id);
    auto_done(store_container) struct store_container c = {.fd = -1};
    c.fd = open_dir_at(s->root_fd, path.s, err);
    if (c.fd < 0)
        return c.fd;
    int r = json_read_at(c.fd, "config.json", &c.config, err);
    if (r < 0)
        return r == -ENOENT || !err ? r : err_wrap(err, "container %s is damaged", id);
    if (json_want_string(c.config, "Name", &c.name, err) < 0 || !c.name)
        return err_set(err, -EINVAL, "container %s is damaged: config.json has no \"Name\"", id);
    c.state = read_state(c.fd);
    c.id = xstrdup(id);
    c.path = xasprintf("%s/%s", s->root, path.s);
    *ret = c;
    c = (struct store_container){.fd = -1};
    return 0;
}

/* *ret is NULL when there is none. */
static int id_by_prefix(struct store *s, const char *prefix, char **ret, struct err *err)
{
    auto_strv ids = {0};
    int r = list_dir_at(s->root_fd, "containers", &ids, err);
    if (r < 0)
        return r;
    const char *found = NULL;
    strv_foreach (&ids, id) {
        if (!is_full_id(id) || strncmp(id, prefix, strlen(prefix)) != 0)
            continue;
        if (found)
            return err_set(err, -EINVAL,
                           "container id \"%s\" is ambiguous: it is the start of more than one",
                           prefix);
        found = id;
    }
    *ret = strdup_or_null(found);
    return 0;
}

int store_container_find(struct store *s, const char *name, struct store_container *ret,
                         struct err *err)
{
    auto_free char *id = NULL;
    bool by_name = store_name_lookup(s, name, &id) == 0;
    int r = 0;
    if (!by_name && is_full_id(name))
        id = xstrdup(name);
    else if (!by_name && id_is_prefix(name) && (r = id_by_prefix(s, name, &id, err)) < 0)
        return r;
    r = id ? open_container(s, id, ret, err) : -ENOENT;
    if (r == 0 && by_name && strcmp(ret->name, name) != 0) {
        store_container_done(ret); /* it has just got another name */
        r = -ENOENT;
    }
    if (r == -ENOENT)
        return err_kind(err, ERR_NOT_FOUND, r,
                        "no container with name or ID \"%.300s\" found: no such container", name);
    return r;
}

struct aged {
    struct store_container c;
    struct timespec made;
    int result;
    struct err err;
};

static int oldest_first(const void *a, const void *b)
{
    const struct aged *x = a, *y = b;
    int order = when_compare(x->made, y->made);
    return order ? order : strcmp(x->c.id, y->c.id);
}

/* Each container of a list holds a descriptor. The limit stays as it is for short lists, since a
 * container can be given it (--ulimit host). The kernel's table grows now, and not under threads,
 * where each growth waits for all processors (synchronize_rcu: milliseconds). */
static void make_room(struct store *s, size_t n)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && n + OWN_FILES >= files.rlim_cur) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int highest = n >= PARALLEL_MIN ? fcntl(s->root_fd, F_DUPFD_CLOEXEC, (int)n + OWN_FILES) : -1;
    if (highest >= 0)
        close(highest);
}

struct reading {
    struct store *store;
    const struct strv *ids;
    struct aged *found; /* one for each of ids */
};

static void read_one(void *arg, size_t i)
{
    const struct reading *r = arg;
    struct aged *one = &r->found[i];
    struct stat st;
    one->result = is_full_id(r->ids->v[i])
                      ? open_container(r->store, r->ids->v[i], &one->c, &one->err)
                      : -ENOENT;
    /* config.json keeps its time: it is when the container was made. */
    if (one->result == 0 && fstatat(one->c.fd, "config.json", &st, AT_SYMLINK_NOFOLLOW) == 0)
        one->made = st.st_mtim;
}

/* What says nothing about the container: who decides by the list must not miss one. */
static bool is_trouble_of_ours(int r)
{
    return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EIO;
}

/* Moves what was found to the front; *ret_n of them. On an error nothing is held. */
static int keep_found(struct aged *all, size_t n, size_t *ret_n, struct err *err)
{
    size_t kept = 0;
    const struct aged *trouble = NULL;
    for (size_t i = 0; i < n; i++) {
        if (all[i].result == 0)
            all[kept++] = all[i];
        else if (is_trouble_of_ours(all[i].result))
            trouble = &all[i];
        else if (*all[i].err.message)
            log_debug("left out: %s", all[i].err.message);
        if (trouble)
            break;
    }
    *ret_n = kept;
    if (!trouble)
        return 0;
    if (err)
        *err = trouble->err;
    int r = trouble->result;
    for (size_t i = (size_t)(trouble - all); i < n; i++)
        if (all[i].result == 0)
            store_container_done(&all[i].c);
    for (size_t i = 0; i < kept; i++)
        store_container_done(&all[i].c);
    return r;
}

int store_container_list(struct store *s, struct store_container **ret, size_t *ret_n,
                         struct err *err)
{
    auto_strv ids = {0};
    int r = list_dir_at(s->root_fd, "containers", &ids, err);
    if (r < 0)
        return r;
    make_room(s, ids.len);
    auto_free struct aged *all = xcalloc(ids.len, sizeof(*all));
    struct reading reading = {.store = s, .ids = &ids, .found = all};
    size_t n;
    parallel_for(ids.len, read_one, &reading);
    r = keep_found(all, ids.len, &n, err);
    if (r < 0)
        return r;
    if (n)
        qsort(all, n, sizeof(*all), oldest_first);
    struct store_container *list = xcalloc(n, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = all[i].c;
    *ret = list;
    *ret_n = n;
    return 0;
}

/* --- change ------------------------------------------------------------------------------- */

int store_container_reload(struct store_container *c, struct err *err)
{
    if (!exists_at(c->fd, "config.json"))
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "container %s was removed", c->id);
    json_t *state = NULL;
    struct err one = {0};
    int r = json_read_at(c->fd, "state.json", &state, &one);
    if (r < 0 && r != -ENOENT && r != -EINVAL && r != -EFBIG) {
        if (err)
            *err = one;
        return r;
    }
    if (!json_is_object(state)) { /* damaged: it counts as created */
        json_decref(state);
        state = json_object();
    }
    json_decref(c->state);
    c->state = state;
    return 0;
}

int store_container_set_state(struct store_container *c, json_t *state, struct err *err)
{
    int r = json_write_at(c->fd, "state.json", state, 0, err);
    if (r < 0)
        return err ? err_wrap(err, "container %s", c->id) : r;
    json_incref(state);
    json_decref(c->state);
    c->state = state;
    return 0;
}

int store_container_set_config(struct store_container *c, json_t *config, struct err *err)
{
    struct stat st;
    bool known = fstatat(c->fd, "config.json", &st, AT_SYMLINK_NOFOLLOW) == 0;
    int r = json_write_at(c->fd, "config.json", config, FILE_SYNC, err);
    if (r < 0)
        return err ? err_wrap(err, "container %s", c->id) : r;
    if (known) /* its time is when the container was made */
        utimensat(c->fd, "config.json", (struct timespec[]){st.st_mtim, st.st_mtim}, 0);
    json_incref(config);
    json_decref(c->config);
    c->config = config;
    return 0;
}

/* Under the shared index lock, as everybody who makes a name: until the configuration has it, the
 * link must not be taken for a stale one. */
static int rename_locked(struct store *s, struct store_container *c, const char *name,
                         struct err *err)
{
    auto_close int lock = store_index_lock(s, false, err);
    if (lock < 0)
        return lock;
    int r = store_name_reserve(s, name, c->id, err);
    if (r < 0)
        return r;
    auto_json json_t *config = NULL; /* read anew: another may have had the lock before */
    r = json_read_at(c->fd, "config.json", &config, err);
    if (r == 0) {
        json_put_string(config, "Name", name);
        r = store_container_set_config(c, config, err);
    }
    if (r == 0)
        return 0;
    auto_free char *link = xasprintf("names/%s", name);
    unlinkat(s->root_fd, link, 0);
    return r;
}

/* It may have got another one since it was opened. */
static void read_name(struct store_container *c)
{
    auto_json json_t *config = NULL;
    if (json_read_at(c->fd, "config.json", &config, NULL) < 0 ||
        !json_get_string(config, "Name", NULL))
        return;
    free(c->name);
    c->name = xstrdup(json_get_string(config, "Name", ""));
}

void store_container_refresh_name(struct store *s, struct store_container *c)
{
    auto_free char *id = NULL;
    if (store_name_lookup(s, c->name, &id) < 0 || strcmp(id, c->id) != 0)
        read_name(c);
}

int store_container_rename(struct store *s, struct store_container *c, const char *name,
                           struct err *err)
{
    struct err failed = {0};
    read_name(c);
    int r = store_object_name_valid(name) ? 0 : name_invalid(name, err);
    if (r < 0 || strcmp(name, c->name) == 0)
        return r;
    r = rename_locked(s, c, name, &failed);
    if (r == -EEXIST && failed.kind == ERR_EXISTS) {
        r = name_free_stale(s, name, err);
        if (r == 0)
            r = rename_locked(s, c, name, err);
        if (r < 0)
            return r;
    } else if (r < 0) {
        if (err)
            *err = failed;
        return r;
    }
    auto_free char *old = c->name;
    c->name = xstrdup(name);
    name_release(s, old, c->id);
    return 0;
}

int store_container_remove(struct store *s, struct store_container *c, struct err *err)
{
    read_name(c);
    struct container_path path = container_path(c->id);
    char suffix[ID_HEX_LEN + 1];
    id_random(suffix);
    /* Its lock comes along: as long as the caller holds it, nobody takes it for garbage. */
    auto_free char *away = xasprintf(TMP_DIR "/%.24s", suffix);
    if (renameat(s->root_fd, path.s, s->root_fd, away) < 0 && errno != ENOENT)
        return err_errno(err, -errno, "remove container %s", c->id);
    name_release(s, c->name, c->id);
    return store_remove_tree(s, away, err);
}

int store_container_remove_part(struct store *s, const struct store_container *c, const char *name,
                                struct err *err)
{
    struct container_path path = container_path(c->id);
    auto_free char *part = xasprintf("%s/%s", path.s, name);
    return exists_at(s->root_fd, part) ? store_remove_tree(s, part, err) : 0;
}

int store_container_run_dir(struct store *s, const char *id, struct err *err)
{
    if (!id_is_prefix(id))
        return err_set(err, -EINVAL, "\"%.80s\" is not an id", id);
    int r = store_mkdir(s->run_fd, id, err);
    return r < 0 ? r : open_dir_at(s->run_fd, id, err);
}

int store_container_remove_run_dir(struct store *s, const char *id, struct err *err)
{
    if (!id_is_prefix(id))
        return err_set(err, -EINVAL, "\"%.80s\" is not an id", id);
    return remove_tree_at(s->run_fd, id, err);
}
