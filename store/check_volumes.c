/* SPDX-License-Identifier: Apache-2.0 */
/* The check of volumes: that each is whole, and that containers have theirs. What is in _data is
 * nobody's business but the user's. */
#include "store/check_internal.h"

#include "base/alloc.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct volume {
    const char *name;
    const char *path; /* in the store */
    int fd;
    char *title;
};

static json_t *plain_config(const char *name)
{
    char now[36];
    return json_pack("{s:s, s:s, s:s, s:{}, s:{}}", "Name", name, "Driver", "local", "CreatedAt",
                     time_format(time_now(), now), "Labels", "Options");
}

static int write_config(struct check *c, const void *arg, struct err *err)
{
    const struct volume *v = arg;
    auto_json json_t *config = plain_config(v->name);
    return json_write_at(v->fd, "volume.json", config, FILE_SYNC, err);
}

/* It may have been removed while we looked at it. */
static bool is_there(const struct check *c, const struct volume *v)
{
    return exists_at(c->s->root_fd, v->path);
}

static void check_config(struct check *c, const struct volume *v)
{
    auto_json json_t *config = NULL;
    struct err wrong = {0};
    int r = json_read_at(v->fd, "volume.json", &config, &wrong);
    if (r == 0 && strcmp(json_get_string(config, "Name", ""), v->name) != 0)
        r = err_set(&wrong, -EINVAL, "volume.json is another volume's");
    if (r == 0 || !is_there(c, v))
        return;
    struct store_finding f = {.what = v->title,
                              .wrong = wrong.message,
                              .remedy =
                                  "it counts as a plain volume, its labels and options are lost",
                              .loses = true};
    check_found(c, &f, write_config, v);
}

static int make_data(struct check *c, const void *arg, struct err *err)
{
    const struct volume *v = arg;
    int r = store_mkdir(v->fd, "_data", err);
    return r == 0 && fchmodat(v->fd, "_data", 0755, 0) < 0 ? err_errno(err, -errno, "_data") : r;
}

static void check_data(struct check *c, const struct volume *v)
{
    struct stat st;
    bool good = fstatat(v->fd, "_data", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    if (good || !is_there(c, v))
        return;
    struct store_finding f = {.what = v->title,
                              .wrong = "its directory _data is missing",
                              .remedy = "it gets an empty one",
                              .loses = true};
    check_found(c, &f, make_data, v);
}

static int remove_new(struct check *c, const void *arg, struct err *err)
{
    const struct volume *v = arg;
    return store_remove_tree_at(c->s, v->fd, "_new", err);
}

/* Half of a copy, whose maker is dead when the lock is free. */
static void check_new(struct check *c, const struct volume *v)
{
    if (!exists_at(v->fd, "_new"))
        return;
    auto_close int lock = openat(v->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0 || lock_fd(lock, true, false, NULL) < 0)
        return;
    struct store_finding f = {.what = v->title,
                              .wrong = "a copy of an image's content was not finished",
                              .remedy = "it is removed",
                              .garbage = true};
    check_found(c, &f, remove_new, v);
}

static int make_volume(struct check *c, const void *arg, struct err *err)
{
    auto_json json_t *config = plain_config(arg);
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    return store_volume_create(c->s, config, true, &v, err);
}

static int check_wanted(struct check *c, struct err *err)
{
    auto_json json_t *users = NULL;
    int r = store_volume_users(c->s, &users, err);
    const char *name;
    json_t *ids;
    json_object_foreach (users, name, ids) {
        auto_done(store_volume) struct store_volume v = {.fd = -1};
        if (!store_volume_name_valid(name) || store_volume_open(c->s, name, &v, NULL) == 0)
            continue;
        auto_free char *what = xasprintf("volume %s", name);
        auto_free char *wrong = xasprintf("it is missing, and container %.12s has it",
                                          json_string_value(json_array_get(ids, 0)));
        struct store_finding f = {
            .what = what, .wrong = wrong, .remedy = "an empty one is made", .loses = true};
        check_found_unlocked(c, &f, make_volume, name);
    }
    return r;
}

int check_volumes(struct check *c, struct err *err)
{
    auto_strv names = {0};
    if (!exists_at(c->s->root_fd, "volumes"))
        return 0; /* found already, by check_frame() */
    int r = list_dir_at(c->s->root_fd, "volumes", &names, err);
    for (size_t i = 0; i < names.len && r == 0; i++) {
        auto_free char *path = xasprintf("volumes/%s", names.v[i]);
        auto_free char *title = xasprintf("volume %s", names.v[i]);
        auto_close int fd = open_dir_at(c->s->root_fd, path, NULL);
        struct volume v = {.name = names.v[i], .path = path, .fd = fd, .title = title};
        if (fd < 0 || !store_volume_name_valid(v.name))
            continue; /* nobody's that we know */
        check_config(c, &v);
        check_data(c, &v);
        check_new(c, &v);
    }
    return r < 0 ? r : check_wanted(c, err);
}
