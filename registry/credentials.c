/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that a user has stored: the helpers of registries.conf, of which one stands for all
 * the files (CREDENTIAL_FILES), in their order. */
#include "registry/credentials.h"

#include "base/log.h"
#include "registry/credential_files.h"
#include "registry/helper.h"
#include "spec/registries.h"

#include <string.h>
#include <unistd.h>

static bool is_files(const char *helper)
{
    return strcmp(helper, CREDENTIAL_FILES) == 0;
}

static struct strv helpers_of(const struct credential_places *p)
{
    static char *files[] = {(char *)CREDENTIAL_FILES, NULL};
    return p->helpers && p->helpers->len ? *p->helpers : (struct strv){.v = files, .len = 1};
}

/* Keeps the first error of several. */
static void note(const char *helper, int r, const struct err *e, int *result, struct err *err)
{
    if (r == 0)
        return;
    log_debug("credential helper %s: %s", helper, e->message);
    if (*result == 0 && err)
        *err = *e;
    if (*result == 0)
        *result = r;
}

int credentials_find(const struct credential_places *p, const char *registry,
                     const char *repository, struct credentials *ret, struct err *err)
{
    struct strv helpers = helpers_of(p);
    int result = 0;
    if (p->authfile && access(p->authfile, F_OK) < 0)
        return err_errno(err, -ENOENT, "--authfile %s", p->authfile);
    strv_foreach (&helpers, helper) {
        struct err e = {0};
        int r = is_files(helper) ? credential_files_find(p->authfile, registry, repository, ret, &e)
                                 : helper_get(helper, registry, ret, &e);
        if (r == 0 && (ret->user || ret->identity_token)) {
            if (err)
                err_clear(err);
            return 0;
        }
        note(helper, r, &e, &result, err);
    }
    return result;
}

static int store_in_helper(const char *helper, const char *key, const struct credentials *c,
                           struct err *err)
{
    if (strchr(key, '/'))
        return err_set(err, -ENOTSUP,
                       "docker-credential-%s keeps credentials for whole registries only, not for "
                       "%.200s",
                       helper, key);
    return helper_store(helper, key, c, err);
}

int credentials_store(const struct credential_places *p, const char *key,
                      const struct credentials *c, struct err *err)
{
    struct strv helpers = helpers_of(p);
    int result = 0;
    strv_foreach (&helpers, helper) {
        struct err e = {0};
        int r = is_files(helper) ? credential_files_store(p->authfile, key, c, &e)
                                 : store_in_helper(helper, key, c, &e);
        if (r == 0) {
            if (err)
                err_clear(err);
            return 0;
        }
        note(helper, r, &e, &result, err);
    }
    return result;
}

static int erase_in_helper(const char *helper, const char *key, bool *ret_found, struct err *err)
{
    auto_strv servers = {0};
    int r = 0;
    if (!key)
        r = helper_list(helper, &servers, err);
    else if (!strchr(key, '/'))
        strv_add(&servers, key);
    for (size_t i = 0; r == 0 && i < servers.len; i++)
        r = helper_forget(helper, servers.v[i], ret_found, err);
    return r;
}

int credentials_erase(const struct credential_places *p, const char *key, bool *ret_found,
                      struct err *err)
{
    struct strv helpers = helpers_of(p);
    int result = 0;
    *ret_found = false;
    strv_foreach (&helpers, helper) {
        struct err e = {0};
        int r = is_files(helper) ? credential_files_erase(p->authfile, key, ret_found, &e)
                                 : erase_in_helper(helper, key, ret_found, &e);
        note(helper, r, &e, &result, err);
    }
    return result;
}
