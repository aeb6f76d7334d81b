/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in to registries. */
#include "engine/login.h"

#include "base/alloc.h"
#include "registry/credentials.h"

#include <string.h>

/* A key as the beginning of a reference. */
static int parse_key(const char *key, struct image_ref *ret, struct err *err)
{
    auto_free char *text = xasprintf("%s/x", key);
    int r = image_ref_parse(text, ret, NULL);
    if (r < 0 || ret->short_name || ret->digest || strchr(strchr(text, '/'), ':'))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "\"%.200s\" is no registry: a host name, maybe with a port and a path, as "
                        "quay.io or localhost:5000",
                        key);
    return 0;
}

int login_key(const char *typed, const struct registries *conf, char **ret, struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    if (!typed && conf->search.len == 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "which registry? registries.conf names none");
    if (!typed) {
        *ret = xstrdup(conf->search.v[0]);
        return 0;
    }
    const char *scheme = strstr(typed, "://");
    const char *host = scheme ? scheme + 3 : typed;
    size_t len = strlen(host);
    auto_free char *key = xstrndup(host, len && host[len - 1] == '/' ? len - 1 : len);
    int r = parse_key(key, &ref, err);
    if (r == 0)
        *ret = strcmp(key, "index.docker.io") == 0 ? xstrdup("docker.io") : take_ptr(key);
    return r;
}

/* "registry" and, when the key is more, "name" of it: what credentials_find() takes. */
static char *split_key(const char *key, const char **ret_repository)
{
    const char *slash = strchr(key, '/');
    *ret_repository = slash ? slash + 1 : NULL;
    return xstrndup(key, slash ? (size_t)(slash - key) : strlen(key));
}

int login_user(const char *authfile, const char *key, const struct registries *conf, char **ret,
               struct err *err)
{
    auto_done(credentials) struct credentials c = {0};
    const struct credential_places places = {.authfile = authfile, .helpers = &conf->helpers};
    const char *repository;
    auto_free char *registry = split_key(key, &repository);
    int r = credentials_find(&places, registry, repository, &c, err);
    if (r == 0)
        *ret = c.user ? take_ptr(c.user) : c.identity_token ? xstrdup("<token>") : NULL;
    return r;
}

int login_check(const struct registry_access *a, const char *key, const struct registries *conf,
                struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    auto_registry struct registry *registry = NULL;
    const char *repository;
    auto_free char *name = split_key(key, &repository);
    int r = parse_key(key, &ref, err);
    if (r < 0)
        return r;
    const struct registry_rule *rule = registries_find(conf, &ref);
    struct registry_endpoint at = {
        .registry = name, .repository = (char *)repository, .insecure = rule && rule->insecure};
    r = registry_access_open(a, conf, &at, NULL, &registry, err);
    return r < 0 ? r : registry_check(registry, err);
}

int login_store(const struct registry_access *a, const char *key, const struct registries *conf,
                struct err *err)
{
    const struct credential_places places = {.authfile = a->authfile, .helpers = &conf->helpers};
    const struct credentials c = {.user = (char *)a->user, .password = (char *)a->password};
    int r = login_check(a, key, conf, err);
    return r < 0 ? r : credentials_store(&places, key, &c, err);
}

int login_forget(const char *authfile, const char *key, const struct registries *conf,
                 struct err *err)
{
    const struct credential_places places = {.authfile = authfile, .helpers = &conf->helpers};
    bool found = false;
    int r = credentials_erase(&places, key, &found, err);
    if (r == 0 && !found)
        r = err_kind(err, ERR_NOT_FOUND, -ENOENT, "not logged in to %s", key ? key : "anything");
    return r;
}
