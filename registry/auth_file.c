/* SPDX-License-Identifier: Apache-2.0 */
/* auth.json and docker's config.json.
 *
 * Theory of operation. `auths` maps registries, or places in one, to credentials; docker writes
 * URLs there ("https://index.docker.io/v1/"), so keys are compared without scheme and, where there
 * was one, without path. `credHelpers` maps registries to programs, `credsStore` names one for all
 * that `auths` does not know. */
#include "registry/auth_file.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/json.h"
#include "spec/registries.h"

#include <string.h>

#define DOCKER_SERVER "https://index.docker.io/v1/"

void credentials_done(struct credentials *c)
{
    if (c->password)
        explicit_bzero(c->password, strlen(c->password));
    if (c->identity_token)
        explicit_bzero(c->identity_token, strlen(c->identity_token));
    free(c->user);
    free(c->password);
    free(c->identity_token);
    *c = (struct credentials){0};
}

void auth_answer_done(struct auth_answer *a)
{
    credentials_done(&a->credentials);
    free(a->helper);
    free(a->server);
    *a = (struct auth_answer){0};
}

/* "docker.io" for all that stands for it; a URL loses scheme and path. */
static char *normal_key(const char *key)
{
    const char *host = key;
    bool url = false;
    if (strncmp(key, "https://", 8) == 0 || strncmp(key, "http://", 7) == 0) {
        host = strstr(key, "://") + 3;
        url = true;
    }
    auto_free char *bare = url ? xstrndup(host, strcspn(host, "/")) : xstrdup(host);
    if (strcmp(bare, "index.docker.io") == 0 || strcmp(bare, "registry-1.docker.io") == 0)
        return xstrdup("docker.io");
    return take_ptr(bare);
}

/* The value for `key` in an object whose keys may be written in several ways. */
static const json_t *find_key(const json_t *object, const char *key)
{
    const char *has;
    json_t *value;
    const json_t *exact = json_object_get(object, key);
    if (exact)
        return exact;
    json_object_foreach ((json_t *)object, has, value) {
        auto_free char *normal = normal_key(has);
        if (strcmp(normal, key) == 0)
            return value;
    }
    return NULL;
}

static int damaged(const char *key, struct err *err)
{
    return err_set(err, -EINVAL, "the entry of %.200s is damaged", key);
}

/* "auth" is base64 of "user:password". */
static int decode(const char *key, const char *text, struct credentials *c, struct err *err)
{
    auto_buf pair = {0};
    if (base64_decode(text, &pair) < 0)
        return damaged(key, err);
    const char *s = buf_str(&pair), *colon = strchr(s, ':');
    size_t len = strlen(s);
    if (!colon || len != pair.len)
        return damaged(key, err);
    c->user = xstrndup(s, (size_t)(colon - s));
    c->password = xstrdup(colon + 1);
    explicit_bzero(pair.data, pair.len);
    return 0;
}

static int read_entry(const char *key, const json_t *entry, struct credentials *ret,
                      struct err *err)
{
    auto_done(credentials) struct credentials c = {0};
    auto_free char *auth = NULL;
    if (!json_is_object(entry))
        return damaged(key, err);
    int r = json_want_string(entry, "auth", &auth, err);
    if (r == 0)
        r = json_want_string(entry, "identitytoken", &c.identity_token, err);
    if (r == 0 && auth && *auth)
        r = decode(key, auth, &c, err);
    else if (r == 0 && (r = json_want_string(entry, "username", &c.user, err)) == 0)
        r = json_want_string(entry, "password", &c.password, err);
    if (r < 0)
        return r;
    if (c.identity_token && !*c.identity_token)
        free(take_ptr(c.identity_token));
    if (!c.identity_token && (!c.user || !*c.user))
        return 0; /* an empty entry says that a helper has it */
    *ret = c;
    c = (struct credentials){0};
    return 0;
}

const char *auth_file_server(const char *key)
{
    return strcmp(key, "docker.io") == 0 ? DOCKER_SERVER : key;
}

static int take_helper(const char *name, const char *server, struct auth_answer *a, struct err *err)
{
    if (!credential_helper_valid(name))
        return err_set(err, -EINVAL, "\"%.100s\" is no name of a credential helper", name);
    a->helper = xstrdup(name);
    a->server = xstrdup(auth_file_server(server));
    return 0;
}

/* What the file says of exactly this key. */
static int find_exact(const json_t *auths, const json_t *helpers, const char *key,
                      struct auth_answer *a, struct err *err)
{
    const json_t *helper = find_key(helpers, key), *entry = find_key(auths, key);
    if (helper && !json_is_string(helper))
        return damaged(key, err);
    if (helper) {
        a->helper_is_stated = true;
        return take_helper(json_string_value(helper), key, a, err);
    }
    return entry ? read_entry(key, entry, &a->credentials, err) : 0;
}

static bool found(const struct auth_answer *a)
{
    return a->helper || a->credentials.user || a->credentials.identity_token;
}

int auth_file_find(const json_t *file, const char *registry, const char *repository,
                   struct auth_answer *ret, struct err *err)
{
    auto_done(auth_answer) struct auth_answer a = {0};
    auto_free char *key = repository ? xasprintf("%s/%s", registry, repository) : xstrdup(registry);
    auto_free char *store = NULL;
    const json_t *auths = NULL, *helpers = NULL;
    if (!json_is_object(file))
        return err_set(err, -EINVAL, "it is not an object");
    int r = json_want_object(file, "auths", &auths, err);
    if (r == 0)
        r = json_want_object(file, "credHelpers", &helpers, err);
    if (r == 0)
        r = json_want_string(file, "credsStore", &store, err);
    while (r == 0 && !found(&a)) {
        r = find_exact(auths, helpers, key, &a, err);
        char *slash = strrchr(key, '/');
        if (!slash)
            break;
        *slash = 0;
    }
    if (r == 0 && !found(&a) && store && *store)
        r = take_helper(store, registry, &a, err);
    if (r < 0)
        return r;
    *ret = a;
    a = (struct auth_answer){0};
    return 0;
}

int auth_file_helper(const json_t *file, const char *key, char **ret, struct err *err)
{
    auto_done(auth_answer) struct auth_answer a = {0};
    const json_t *stated = find_key(json_object_get(file, "credHelpers"), key);
    const char *name = json_string_value(stated ? stated : json_object_get(file, "credsStore"));
    if (!name || !*name)
        return 0;
    int r = take_helper(name, key, &a, err);
    if (r == 0)
        *ret = take_ptr(a.helper);
    return r;
}

void auth_file_put(json_t *file, const char *key, const struct credentials *c)
{
    auto_free char *pair = xasprintf("%s:%s", c->user, c->password);
    auto_free char *text = base64_encode(pair, strlen(pair));
    auth_file_remove(file, key);
    json_t *auths = json_object_get(file, "auths");
    if (!json_is_object(auths)) {
        auths = json_object();
        json_put(file, "auths", auths);
    }
    json_put(auths, key, json_pack("{s:s}", "auth", text));
    explicit_bzero(pair, strlen(pair));
}

bool auth_file_remove(json_t *file, const char *key)
{
    json_t *auths = json_object_get(file, "auths"), *value;
    const char *has;
    void *next;
    bool any = false;
    json_object_foreach_safe (auths, next, has, value) {
        auto_free char *normal = normal_key(has);
        if (strcmp(normal, key) != 0 && strcmp(has, key) != 0)
            continue;
        json_object_del(auths, has);
        any = true;
    }
    return any;
}
