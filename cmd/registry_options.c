/* SPDX-License-Identifier: Apache-2.0 */
/* The options that pull, push, login and search share. */
#include "cmd/registry_options.h"

#include "base/alloc.h"
#include "cmd/prompt.h"

#include <stdlib.h>
#include <string.h>

enum pull_policy pull_policy_from(const char *name, enum pull_policy standard)
{
    static const char *const names[] = {"always", "missing", "newer", "never"};
    for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum pull_policy)i;
    return standard;
}

/* "2s", "1m", "500ms" or seconds; at least one second. */
static int parse_delay(const char *text, int *ret, struct err *err)
{
    char *end;
    double n = strtod(text, &end);
    double unit = strcmp(end, "ms") == 0           ? 0.001
                  : strcmp(end, "s") == 0 || !*end ? 1
                  : strcmp(end, "m") == 0          ? 60
                                                   : 0;
    if (end == text || unit == 0 || !(n >= 0 && n * unit <= 3600))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid --retry-delay \"%.50s\": must be a time up to an hour, as 5s",
                        text);
    *ret = n * unit < 1 ? 1 : (int)(n * unit);
    return 0;
}

static int split_creds(const char *creds, char **ret_secret, struct registry_access *ret,
                       struct err *err)
{
    char *copy = *ret_secret = xstrdup(creds);
    char *colon = strchr(copy, ':');
    if (colon) {
        *colon = 0;
        ret->user = copy;
        ret->password = colon + 1;
    } else {
        auto_free char *password = NULL;
        int r = prompt_secret("Password: ", &password, err);
        if (r < 0)
            return r;
        *ret_secret = xasprintf("%s:%s", copy, password);
        ret->password = *ret_secret + strlen(copy) + 1;
        (*ret_secret)[strlen(copy)] = 0;
        ret->user = *ret_secret;
        prompt_forget(take_ptr(password));
        free(copy);
    }
    if (!*ret->user)
        return err_kind(err, ERR_USAGE, -EINVAL, "--creds: the user name is missing");
    return 0;
}

int registry_access_from(const struct invocation *in, const struct registry_values *v,
                         struct registry_access *ret, char **ret_secret, struct err *err)
{
    struct registry_access a = {.authfile = v->authfile,
                                .cert_dir = v->cert_dir,
                                .tls_verify = v->tls_verify,
                                .retries = REGISTRY_RETRIES};
    if (in->engine)
        in->engine->registries_conf = v->registries_conf;
    if (opt_given(in->table, in->res, "retry"))
        a.retries = (int)v->retry;
    if (a.retries < 0 || a.retries > 100)
        return err_kind(err, ERR_USAGE, -EINVAL, "--retry must be from 0 to 100");
    int r = v->retry_delay ? parse_delay(v->retry_delay, &a.retry_delay, err) : 0;
    if (r == 0 && v->creds)
        r = split_creds(v->creds, ret_secret, &a, err);
    if (r == 0)
        *ret = a;
    return r;
}
