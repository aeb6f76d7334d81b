/* SPDX-License-Identifier: Apache-2.0 */
/* The files in which credentials are stored. */
#include "registry/credential_files.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "registry/helper.h"

#include <fcntl.h>
#include <string.h>

/* The files that apply, the one to write first. */
static void auth_paths(const char *authfile, struct strv *ret)
{
    const char *stated = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
    const char *run = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");
    const char *docker = getenv("DOCKER_CONFIG");
    if (stated && *stated) {
        strv_add(ret, stated);
        return;
    }
    if (run && *run)
        strv_addf(ret, "%s/containers/auth.json", run);
    if (home && *home)
        strv_addf(ret, "%s/.config/containers/auth.json", home);
    if (docker && *docker)
        strv_addf(ret, "%s/config.json", docker);
    else if (home && *home)
        strv_addf(ret, "%s/.docker/config.json", home);
}

/* -ENOENT when it is not there. */
static int read_file(const char *path, json_t **ret, struct err *err)
{
    auto_json json_t *json = NULL;
    int r = json_read_at(AT_FDCWD, path, &json, err);
    if (r == 0 && !json_is_object(json))
        r = err_set(err, -EINVAL, "%s is not an object", path);
    if (r == 0)
        *ret = take_ptr(json);
    return r;
}

static int find_in(const char *path, const char *registry, const char *repository,
                   struct credentials *ret, struct err *err)
{
    auto_json json_t *json = NULL;
    auto_done(auth_answer) struct auth_answer a = {0};
    struct err e = {0};
    int r = read_file(path, &json, &e);
    if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
        return 0;
    if (r == 0)
        r = auth_file_find(json, registry, repository, &a, &e);
    if (r == 0 && a.helper) {
        r = helper_get(a.helper, a.server, &a.credentials, &e);
        if (r == -ENOENT && !a.helper_is_stated) {
            log_debug("%s: %s", path, e.message); /* a rest of another installation */
            r = 0;
        }
    }
    if (r < 0)
        return err_set(err, r, "%s: %s", path, e.message);
    *ret = a.credentials;
    a.credentials = (struct credentials){0};
    return 0;
}

int credential_files_find(const char *authfile, const char *registry, const char *repository,
                          struct credentials *ret, struct err *err)
{
    auto_strv paths = {0};
    auth_paths(authfile, &paths);
    strv_foreach (&paths, path) {
        int r = find_in(path, registry, repository, ret, err);
        if (r < 0 || ret->user || ret->identity_token)
            return r;
    }
    return 0;
}

/* --- writing ------------------------------------------------------------------------------ */

/* The file to write, with what is in it. */
struct opened {
    char *path;
    json_t *json;
    int lock; /* keeps other writers away */
};

static void opened_done(struct opened *o)
{
    free(o->path);
    json_decref(o->json);
    close_fd(&o->lock);
}
DEFINE_AUTO(opened, opened_done)

/* What a link leads to, so that a link stays one. The caller frees. */
static int write_path(const char *authfile, char **ret, struct err *err)
{
    auto_strv paths = {0};
    auth_paths(authfile, &paths);
    if (paths.len == 0)
        return err_set(err, -ENOENT, "no place for credentials: set HOME or use --authfile");
    char *real = realpath(paths.v[0], NULL);
    *ret = real ? real : xstrdup(paths.v[0]);
    return 0;
}

/* Reads the file, or begins one. Fills *o, which is to be released on an error, too. */
static int open_file(const char *authfile, struct opened *o, struct err *err)
{
    int r = write_path(authfile, &o->path, err);
    if (r < 0)
        return r;
    const char *slash = strrchr(o->path, '/');
    auto_free char *dir = slash && slash != o->path ? xstrndup(o->path, (size_t)(slash - o->path))
                                                    : xstrdup(slash ? "/" : ".");
    r = mkdir_parents_at(AT_FDCWD, dir, 0700, err);
    if (r < 0)
        return r;
    o->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (o->lock < 0)
        return err_errno(err, -errno, "%s", dir);
    lock_fd(o->lock, true, true, NULL); /* file systems without it have to do without */
    r = read_file(o->path, &o->json, err);
    if (r != -ENOENT)
        return r;
    o->json = json_object();
    return 0;
}

static int write_file(const struct opened *o, struct err *err)
{
    char *text = json_dumps(o->json, JSON_INDENT(4));
    if (!text)
        return err_set(err, -ENOMEM, "%s: out of memory", o->path);
    int r = file_write_at(AT_FDCWD, o->path, text, strlen(text), 0600, FILE_SYNC, err);
    explicit_bzero(text, strlen(text));
    free(text);
    return r;
}

int credential_files_store(const char *authfile, const char *key, const struct credentials *c,
                           struct err *err)
{
    auto_done(opened) struct opened o = {.lock = -1};
    auto_free char *helper = NULL;
    int r = open_file(authfile, &o, err);
    if (r == 0)
        r = auth_file_helper(o.json, key, &helper, err);
    if (r < 0)
        return r;
    if (helper) { /* what stood in the file would be found first, and be old */
        r = helper_store(helper, auth_file_server(key), c, err);
        return r == 0 && auth_file_remove(o.json, key) ? write_file(&o, err) : r;
    }
    auth_file_put(o.json, key, c);
    return write_file(&o, err);
}

/* What a helper has for the keys of one part of the file. */
static int erase_helped(const json_t *json, const char *part, bool *ret_found, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (json_object_get(json, part), key, value) {
        auto_free char *helper = NULL;
        int r = auth_file_helper(json, key, &helper, err);
        if (r == 0 && helper)
            r = helper_erase(helper, auth_file_server(key), err);
        if (r < 0)
            return r;
        *ret_found = true;
    }
    return 0;
}

/* A store for all registries may have more than the file knows of: that is said. */
static int erase_all(struct opened *o, bool *ret_found, struct err *err)
{
    const char *store = json_get_string(o->json, "credsStore", NULL);
    int r = erase_helped(o->json, "credHelpers", ret_found, err);
    if (r == 0)
        r = erase_helped(o->json, "auths", ret_found, err);
    if (r < 0)
        return r;
    json_put(o->json, "auths", json_object());
    r = write_file(o, err);
    if (r < 0 || !store)
        return r;
    return err_set(err, -ENOTSUP,
                   "docker-credential-%.60s may keep more than %s names: log out of each registry",
                   store, o->path);
}

static int erase_one(struct opened *o, const char *key, bool *ret_found, struct err *err)
{
    auto_free char *helper = NULL;
    int r = auth_file_helper(o->json, key, &helper, err);
    if (r == 0 && helper) {
        r = helper_forget(helper, auth_file_server(key), ret_found, err);
        /* As when they are looked for: a store for all may be a rest of another installation. */
        if (r == -ENOENT && !json_object_get(json_object_get(o->json, "credHelpers"), key)) {
            if (err)
                err_clear(err);
            r = 0;
        }
    }
    if (r < 0 || !auth_file_remove(o->json, key))
        return r;
    *ret_found = true;
    return write_file(o, err);
}

int credential_files_erase(const char *authfile, const char *key, bool *ret_found, struct err *err)
{
    auto_done(opened) struct opened o = {.lock = -1};
    int r = open_file(authfile, &o, err);
    if (r < 0)
        return r;
    return key ? erase_one(&o, key, ret_found, err) : erase_all(&o, ret_found, err);
}
