/* SPDX-License-Identifier: Apache-2.0 */
/* policy.json.
 *
 * Theory of operation. The scope that fits a name best decides alone: the name with its tag or
 * digest, the repository, each path above it, the host, "*.domain" from the longest, "" for all
 * registries, and last the file's default. All of its requirements must hold. We verify no
 * signatures, so a requirement that asks for one never does. */
#include "spec/policy.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#include <fcntl.h>
#include <string.h>

#define SYSTEM_FILE "/etc/containers/policy.json"
#define USER_FILE   ".config/containers/policy.json"
#define TRANSPORT   "docker" /* registries; the others are archives and directories */

void policy_done(struct policy *p)
{
    json_decref(p->json);
    free(p->path);
    *p = (struct policy){0};
}

/* --- reading ------------------------------------------------------------------------------ */

static int check_requirements(const json_t *list, const char *where, struct err *err)
{
    static const char *const types[] = {"insecureAcceptAnything", "reject", "signedBy",
                                        "sigstoreSigned", "signedBaseLayer"};
    size_t i, known = 0;
    json_t *one;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return err_set(err, -EINVAL, "%.200s: a list of at least one requirement is needed", where);
    json_array_foreach (list, i, one) {
        const char *type = json_get_string(one, "type", "");
        for (known = 0; known < sizeof(types) / sizeof(*types); known++)
            if (strcmp(type, types[known]) == 0)
                break;
        if (known == sizeof(types) / sizeof(*types))
            return err_set(err, -EINVAL, "%.200s: a requirement of the type \"%.50s\" is unknown",
                           where, type);
        if (known < 2 && json_object_size(one) != 1)
            return err_set(err, -EINVAL, "%.200s: \"%s\" has no options", where, type);
    }
    return 0;
}

static int check_transports(const json_t *transports, struct err *err)
{
    const char *transport, *scope;
    json_t *scopes, *list;
    if (transports && !json_is_object(transports))
        return err_set(err, -EINVAL, "transports is no object");
    json_object_foreach ((json_t *)transports, transport, scopes) {
        if (!json_is_object(scopes))
            return err_set(err, -EINVAL, "transport \"%.50s\" is no object", transport);
        json_object_foreach (scopes, scope, list) {
            auto_free char *where = xasprintf("%s \"%s\"", transport, scope);
            int r = check_requirements(list, where, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int policy_parse(json_t *json, struct policy *ret, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return err_set(err, -EINVAL, "it is no object");
    json_object_foreach (json, key, value)
        if (strcmp(key, "default") != 0 && strcmp(key, "transports") != 0)
            return err_set(err, -EINVAL, "\"%.50s\" is unknown", key);
    int r = check_requirements(json_object_get(json, "default"), "default", err);
    if (r == 0)
        r = check_transports(json_object_get(json, "transports"), err);
    if (r == 0)
        *ret = (struct policy){.json = json_incref(json)};
    return r;
}

int policy_load(struct policy *ret, struct err *err)
{
    const char *home = getenv("HOME");
    auto_free char *path = home && *home ? xasprintf("%s/" USER_FILE, home) : NULL;
    auto_json json_t *json = NULL;
    if (!path || !exists_at(AT_FDCWD, path)) {
        free(path);
        path = xstrdup(SYSTEM_FILE);
    }
    if (!exists_at(AT_FDCWD, path)) {
        *ret = (struct policy){0};
        return 0;
    }
    int r = json_read_at(AT_FDCWD, path, &json, err);
    if (r == 0)
        r = policy_parse(json, ret, err);
    if (r < 0)
        return err_wrap(err, "%s", path);
    ret->path = take_ptr(path);
    return 0;
}

/* --- asking ------------------------------------------------------------------------------- */

/* "*.b.c", "*.c" for the host "a.b.c:5000". */
static const json_t *find_domain(const json_t *scopes, const char *host)
{
    auto_free char *domain = xstrndup(host, strcspn(host, ":"));
    for (const char *dot = strchr(domain, '.'); dot; dot = strchr(dot + 1, '.')) {
        auto_free char *scope = xasprintf("*%s", dot);
        const json_t *list = json_object_get(scopes, scope);
        if (list)
            return list;
    }
    return NULL;
}

static const json_t *find_scope(const json_t *scopes, const struct image_ref *ref)
{
    auto_free char *name = xasprintf("%s/%s", ref->registry, ref->repository);
    auto_free char *full = ref->digest ? xasprintf("%s@%s", name, ref->digest)
                                       : xasprintf("%s:%s", name, ref->tag ? ref->tag : "latest");
    const json_t *list = json_object_get(scopes, full);
    while (!list && *name) {
        char *slash = strrchr(name, '/');
        list = json_object_get(scopes, name);
        *(slash ? slash : name) = 0;
    }
    if (!list)
        list = find_domain(scopes, ref->registry);
    return list ? list : json_object_get(scopes, "");
}

int policy_check(const struct policy *p, const struct image_ref *ref, struct err *err)
{
    if (!p->json)
        return 0;
    const json_t *scopes = json_object_get(json_object_get(p->json, "transports"), TRANSPORT);
    const json_t *list = scopes ? find_scope(scopes, ref) : NULL;
    const char *file = p->path ? p->path : "policy.json";
    auto_free char *name = image_ref_string(ref);
    size_t i;
    json_t *one;
    if (!list)
        list = json_object_get(p->json, "default");
    json_array_foreach (list, i, one) {
        const char *type = json_get_string(one, "type", "");
        if (strcmp(type, "reject") == 0)
            return err_set(err, -EACCES, "%.300s is rejected by %s", name, file);
        if (strcmp(type, "insecureAcceptAnything") != 0)
            return err_set(err, -EACCES,
                           "%.300s: %s asks for a signature (%s), and wherry verifies none", name,
                           file, type);
    }
    return 0;
}
