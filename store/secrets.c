/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets. */
#include "store/secrets.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "store/internal.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRETS_DIR "secrets"
#define SUFFIX      ".json"
#define ID_LEN      25  /* podman's */
#define NAME_LIMIT  250 /* with SUFFIX what a file can be called; podman's is 253 */

const char *store_secret_name(const json_t *secret)
{
    return json_get_string(json_object_get(secret, "Spec"), "Name", "");
}

static bool name_valid(const char *name)
{
    return store_object_name_valid(name) && strlen(name) <= NAME_LIMIT;
}

static char *file_of(const char *name)
{
    return xasprintf(SECRETS_DIR "/%s" SUFFIX, name);
}

static json_t *document(const char *name, const json_t *labels, const void *data, size_t len)
{
    char id[ID_HEX_LEN + 1], now[36];
    auto_free char *text = base64_encode(data, len);
    id_random(id);
    id[ID_LEN] = 0;
    time_format(time_now(), now);
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:O, s:{s:s, s:{}}}, s:s}", "ID", id, "CreatedAt",
                     now, "UpdatedAt", now, "Spec", "Name", name, "Labels", labels, "Driver",
                     "Name", "file", "Options", "Data", text);
}

int store_secret_create(struct store *s, const char *name, const json_t *labels, const void *data,
                        size_t len, bool replace, char **ret_id, struct err *err)
{
    if (!name_valid(name))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "secret name \"%.100s\" is invalid: it must be at most %d letters, digits, "
                        "\"_\", \".\" or \"-\" and begin with a letter or digit",
                        name, NAME_LIMIT);
    if (len == 0 || len > STORE_SECRET_MAX)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "secret data must be larger than 0 and at most %d bytes", STORE_SECRET_MAX);
    if (mkdirat(s->root_fd, SECRETS_DIR, 0700) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "mkdir " SECRETS_DIR);
    auto_free char *file = file_of(name);
    auto_json json_t *new = document(name, labels, data, len), *old = NULL;
    if (replace && json_read_at(s->root_fd, file, &old, NULL) == 0)
        json_put_string(new, "CreatedAt", json_get_string(old, "CreatedAt", ""));
    int r = json_write_at(s->root_fd, file, new, FILE_SYNC | (replace ? 0 : FILE_EXCL), err);
    if (r == -EEXIST)
        return err_kind(err, ERR_EXISTS, r, "%s: secret name in use", name);
    if (r == 0)
        *ret_id = xstrdup(json_get_string(new, "ID", ""));
    return r;
}

/* Names of files, sorted; none when nobody made a secret yet. */
static int list_files(struct store *s, struct strv *ret, struct err *err)
{
    return exists_at(s->root_fd, SECRETS_DIR) ? list_dir_at(s->root_fd, SECRETS_DIR, ret, err) : 0;
}

/* One that is removed meanwhile, or is not a secret, is left out. */
static json_t *read_file(struct store *s, const char *file)
{
    auto_free char *path = xasprintf(SECRETS_DIR "/%s", file);
    auto_json json_t *secret = NULL;
    size_t len = strlen(file);
    if (len <= strlen(SUFFIX) || strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0 ||
        json_read_at(s->root_fd, path, &secret, NULL) < 0)
        return NULL;
    const char *name = store_secret_name(secret);
    return strncmp(name, file, len - strlen(SUFFIX)) == 0 && strlen(name) == len - strlen(SUFFIX)
               ? take_ptr(secret)
               : NULL;
}

int store_secret_list(struct store *s, json_t **ret, struct err *err)
{
    auto_strv files = {0};
    int r = list_files(s, &files, err);
    if (r < 0)
        return r;
    json_t *all = json_array();
    strv_foreach (&files, file) {
        json_t *secret = read_file(s, file);
        if (!secret)
            continue;
        json_object_del(secret, "Data");
        json_array_append_new(all, secret);
    }
    *ret = all;
    return 0;
}

/* The name of the secret whose id begins so. */
static int name_by_id(struct store *s, const char *prefix, char **ret, struct err *err)
{
    auto_json json_t *all = NULL;
    auto_free char *found = NULL;
    size_t i;
    json_t *one;
    int r = store_secret_list(s, &all, err);
    if (r < 0)
        return r;
    json_array_foreach (all, i, one) {
        if (!*prefix || strncmp(json_get_string(one, "ID", ""), prefix, strlen(prefix)) != 0)
            continue;
        if (found)
            return err_set(err, -EINVAL, "more than one secret's id begins with \"%.40s\"", prefix);
        found = xstrdup(store_secret_name(one));
    }
    *ret = take_ptr(found);
    return 0;
}

int store_secret_find(struct store *s, const char *name, json_t **ret, struct err *err)
{
    auto_free char *called = NULL;
    json_t *secret = NULL;
    if (name_valid(name)) {
        auto_free char *file = xasprintf("%s" SUFFIX, name);
        secret = read_file(s, file);
    }
    if (!secret) {
        int r = name_by_id(s, name, &called, err);
        if (r < 0)
            return r;
        auto_free char *file = called ? xasprintf("%s" SUFFIX, called) : NULL;
        secret = file ? read_file(s, file) : NULL;
    }
    if (!secret)
        return err_kind(err, ERR_NOT_FOUND, -ENOENT,
                        "no secret with name or id \"%.300s\": no such secret", name);
    *ret = secret;
    return 0;
}

int store_secret_remove(struct store *s, const char *name, char **ret_id, struct err *err)
{
    auto_json json_t *secret = NULL;
    int r = store_secret_find(s, name, &secret, err);
    if (r < 0)
        return r;
    auto_free char *file = file_of(store_secret_name(secret));
    if (unlinkat(s->root_fd, file, 0) < 0 && errno != ENOENT)
        return err_errno(err, -errno, "remove %s", file);
    *ret_id = xstrdup(json_get_string(secret, "ID", ""));
    return 0;
}
