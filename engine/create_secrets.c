/* SPDX-License-Identifier: Apache-2.0 */
/* --secret of create and run. */
#include "engine/create_secrets.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"
#include "engine/userns.h"
#include "runtime/idmap.h"
#include "runtime/userns_run.h"
#include "store/secrets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_NAME "secrets"
#define PLACE    "/run/secrets"
#define MODE     0444

/* --- create --------------------------------------------------------------------------------- */

struct wish {
    const char *target;
    bool env;
    mode_t mode;
};

static int bad(const char *text, struct err *err)
{
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "--secret %s: want NAME[,type=mount|env][,target=...][,mode=...]", text);
}

static int read_number(const char *text, int base, unsigned long max, unsigned long *ret)
{
    char *end;
    *ret = strtoul(text, &end, base);
    return *text >= '0' && *text <= '9' && !*end && *ret <= max ? 0 : -EINVAL;
}

static int read_word(const char *word, struct wish *w, const char *text, struct err *err)
{
    const char *value = strchr(word, '=');
    size_t len = value ? (size_t)(value - word) : 0;
    unsigned long n = 0;
    if (!value || !value[1])
        return bad(text, err);
    value++;
    if (len == 4 && strncmp(word, "type", len) == 0 &&
        (strcmp(value, "env") == 0 || strcmp(value, "mount") == 0)) {
        w->env = *value == 'e';
    } else if (len == 6 && strncmp(word, "target", len) == 0) {
        w->target = value;
    } else if (len == 4 && strncmp(word, "mode", len) == 0 &&
               read_number(value, 8, 0777, &n) == 0) {
        w->mode = (mode_t)n;
    } else if (len == 3 && (strncmp(word, "uid", len) == 0 || strncmp(word, "gid", len) == 0) &&
               read_number(value, 10, UINT32_MAX, &n) == 0) {
        return n == 0 ? 0
                      : err_kind(err, ERR_USAGE, -ENOTSUP,
                                 "--secret %s: it is the container's root's; mode=0444 lets others "
                                 "read it",
                                 text);
    } else {
        return bad(text, err);
    }
    return 0;
}

static char *mount_target(const char *target)
{
    auto_free char *full = *target == '/' ? xstrdup(target) : xasprintf(PLACE "/%s", target);
    return path_clean(full);
}

static int add_secret(struct engine *e, const char *text, json_t *all, struct err *err)
{
    auto_strv words = {0};
    auto_json json_t *secret = NULL;
    struct wish w = {.mode = MODE};
    strv_split(&words, text, ',');
    int r = words.len && *words.v[0] ? 0 : bad(text, err);
    for (size_t i = 1; i < words.len && r == 0; i++)
        r = read_word(words.v[i], &w, text, err);
    if (r == 0)
        r = store_secret_find(&e->store, words.v[0], &secret, err);
    if (r < 0)
        return r;
    const char *target = w.target ? w.target : store_secret_name(secret);
    if (w.env && strchr(target, '='))
        return bad(text, err);
    auto_free char *path = w.env ? NULL : mount_target(target);
    if (path && strcmp(path, "/") == 0)
        return bad(text, err);
    json_array_append_new(
        all, json_pack("{s:s, s:s, s:i, s:i, s:i, s:s}", "Name", store_secret_name(secret), "ID",
                       json_get_string(secret, "ID", ""), "UID", 0, "GID", 0, "Mode", (int)w.mode,
                       w.env ? "Env" : "Target", w.env ? target : path));
    return 0;
}

int create_secrets(struct engine *e, const struct strv *options, json_t *document, struct err *err)
{
    json_t *all = json_array();
    int r = 0;
    for (size_t i = 0; options && i < options->len && r == 0; i++)
        r = add_secret(e, options->v[i], all, err);
    if (r == 0 && json_array_size(all))
        json_put(json_object_get(document, "Config"), "Secrets", all);
    else
        json_decref(all);
    return r;
}

const json_t *secrets_of(const struct store_container *c)
{
    return json_object_get(json_object_get(c->config, "Config"), "Secrets");
}

static int copy_one(struct engine *e, int dir, size_t number, const json_t *wanted, struct err *err)
{
    auto_json json_t *secret = NULL;
    auto_buf data = {0};
    auto_free char *name = xasprintf("%zu", number);
    mode_t mode = (mode_t)json_integer_value(json_object_get(wanted, "Mode"));
    int r = store_secret_find(&e->store, json_get_string(wanted, "ID", ""), &secret, err);
    if (r < 0)
        return r;
    r = base64_decode(json_get_string(secret, "Data", ""), &data);
    if (r < 0)
        return err_set(err, r, "secret %s is damaged", store_secret_name(secret));
    r = file_write_at(dir, name, data.data, data.len, 0600, FILE_SYNC, err);
    if (r == 0 && fchmodat(dir, name, mode, 0) < 0)
        r = err_errno(err, -errno, "mode of a secret");
    return r;
}

struct owning {
    int dir;
    const json_t *all;
    uint32_t uid, gid; /* as the namespace of all our ids calls the container's root */
};

static int own_files(void *arg, struct err *err)
{
    const struct owning *o = arg;
    for (size_t i = 0; i < json_array_size(o->all); i++) {
        auto_free char *name = xasprintf("%zu", i);
        if (json_object_get(json_array_get(o->all, i), "Target") &&
            fchownat(o->dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0)
            return err_errno(err, -errno, "owner of a secret");
    }
    return 0;
}

/* What is the user's is the container's root's, unless the user has no id there (--userns=auto and
 * the like): a secret that only its owner may read would be nobody's. */
static int give_away(const struct store_container *c, int dir, struct err *err)
{
    struct id_maps own, all;
    int r = userns_read(c->config, &own, err);
    if (r == 0)
        r = id_maps_choose(&all, err);
    if (r < 0 || id_map_inside(own.uids, own.n_uids, geteuid()) >= 0)
        return r;
    int64_t uid = id_map_outside(own.uids, own.n_uids, id_map_owner(own.uids, own.n_uids)),
            gid = id_map_outside(own.gids, own.n_gids, id_map_owner(own.gids, own.n_gids));
    if (uid < 0 || gid < 0)
        return 0;
    uid = id_map_inside(all.uids, all.n_uids, (uint32_t)uid);
    gid = id_map_inside(all.gids, all.n_gids, (uint32_t)gid);
    struct owning o = {dir, secrets_of(c), (uint32_t)uid, (uint32_t)gid};
    return uid < 0 || gid < 0 ? 0 : userns_run(&all, own_files, &o, err);
}

int secrets_copy(struct engine *e, const struct store_container *c, struct err *err)
{
    const json_t *all = secrets_of(c);
    if (json_array_size(all) == 0)
        return 0;
    if (mkdirat(c->fd, DIR_NAME, 0700) < 0)
        return err_errno(err, -errno, "mkdir " DIR_NAME);
    auto_close int dir = open_dir_at(c->fd, DIR_NAME, err);
    int r = dir < 0 ? dir : 0;
    for (size_t i = 0; i < json_array_size(all) && r == 0; i++)
        r = copy_one(e, dir, i, json_array_get(all, i), err);
    return r < 0 ? r : give_away(c, dir, err);
}

/* --- start ---------------------------------------------------------------------------------- */

/* A variable ends at its first NUL. */
static int read_variable(struct sandbox *sb, const struct store_container *c, size_t number,
                         const char *name, struct err *err)
{
    auto_free char *path = xasprintf(DIR_NAME "/%zu", number);
    auto_buf data = {0};
    int r = file_read_at(c->fd, path, STORE_SECRET_MAX, &data, err);
    if (r == 0)
        strv_addf(&sb->env, "%s=%s", name, buf_str(&data));
    return r;
}

int sandbox_secrets_read(struct sandbox_config *config, const struct store_container *c,
                         struct err *err)
{
    const json_t *all = secrets_of(c);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        const char *target = json_get_string(one, "Target", NULL);
        const char *env = json_get_string(one, "Env", NULL);
        struct sandbox_mount mount = {.kind = MOUNT_BIND,
                                      .target = target,
                                      .read_only = true,
                                      .no_exec = true,
                                      .no_suid = true,
                                      .no_dev = true,
                                      .no_links = true};
        if (target) {
            mount.source = sandbox_config_own(config, xasprintf("%s/" DIR_NAME "/%zu", c->path, i));
            sandbox_config_add_mount(config, &mount);
        }
        int r = env ? read_variable(&config->sandbox, c, i, env, err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}
