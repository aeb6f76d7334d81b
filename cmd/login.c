/* SPDX-License-Identifier: Apache-2.0 */
/* wherry login: keeps credentials for a registry. */
#include "engine/login.h"
#include "base/alloc.h"
#include "base/file.h"
#include "cmd/commands.h"
#include "cmd/prompt.h"
#include "cmd/registry_options.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD_MAX (64 * 1024)

struct values {
    struct registry_values registry; /* first: the rows */
    char *user, *password;
    bool password_stdin, get_login;
};

static const struct opt opts[] = {
    REGISTRY_ACCESS_ROWS,
    OPT_BOOL_ROW(0, "get-login", values, get_login, "Print the user that is logged in"),
    OPT_STRING_ROW('p', "password", values, password, "PASSWORD",
                   "Password (others on this machine can see it: better --password-stdin)"),
    OPT_BOOL_ROW(0, "password-stdin", values, password_stdin,
                 "Read the password from standard input"),
    OPT_STRING_ROW('u', "username", values, user, "USER", "User name"),
    {0},
};

static int get_login(const struct values *v, const char *key, const struct registries *conf,
                     struct err *err)
{
    auto_free char *user = NULL;
    int r = login_user(v->registry.authfile, key, conf, &user, err);
    if (r == 0 && !user)
        r = err_kind(err, ERR_NOT_FOUND, -ENOENT, "not logged into %s", key);
    if (r == 0)
        puts(user);
    return r;
}

/* All of standard input but one line end. */
static int read_password(char **ret, struct err *err)
{
    auto_buf text = {0};
    int r = file_read_fd(STDIN_FILENO, PASSWORD_MAX, &text, err);
    if (r < 0)
        return err_wrap(err, "--password-stdin");
    if (text.len && text.data[text.len - 1] == '\n')
        buf_truncate(&text, text.len - 1);
    if (text.len && text.data[text.len - 1] == '\r')
        buf_truncate(&text, text.len - 1);
    if (text.len == 0 || strlen(buf_str(&text)) != text.len)
        return err_set(err, -EINVAL, "--password-stdin: there is no password on standard input");
    *ret = buf_take(&text);
    return 0;
}

static int check_options(const struct values *v, struct err *err)
{
    if (v->password && v->password_stdin)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--password and --password-stdin cannot be used together");
    if ((v->password || v->password_stdin) && (!v->user || !*v->user))
        return err_kind(err, ERR_USAGE, -EINVAL, "a password needs --username too");
    return 0;
}

static int ask_user(const char *stored, char **ret, struct err *err)
{
    auto_free char *question =
        stored ? xasprintf("Username (%s): ", stored) : xstrdup("Username: ");
    int r = prompt_line(question, ret, err);
    if (r == 0 && !**ret && stored) {
        free(*ret);
        *ret = xstrdup(stored);
    }
    if (r == 0 && !**ret)
        r = err_set(err, -EINVAL, "a user name is needed");
    return r;
}

/* User and password: from the options, or asked for. */
static int get_credentials(const struct values *v, const char *stored, char **ret_user,
                           char **ret_password, struct err *err)
{
    int r = v->user && *v->user ? 0 : ask_user(stored, ret_user, err);
    if (r == 0 && !*ret_user)
        *ret_user = xstrdup(v->user);
    if (r == 0 && v->password)
        *ret_password = xstrdup(v->password);
    else if (r == 0)
        r = v->password_stdin ? read_password(ret_password, err)
                              : prompt_secret("Password: ", ret_password, err);
    return r;
}

/* With nothing said, what is stored may still be good. */
static bool still_good(const struct values *v, const struct registry_access *a, const char *key,
                       const struct registries *conf, const char *stored)
{
    return stored && !v->user && login_check(a, key, conf, NULL) == 0;
}

static int login(const struct values *v, struct registry_access *a, const char *key,
                 const struct registries *conf, struct err *err)
{
    auto_free char *stored = NULL, *user = NULL;
    char *password = NULL;
    int r = v->registry.authfile && !exists_at(AT_FDCWD, v->registry.authfile)
                ? 0
                : login_user(v->registry.authfile, key, conf, &stored, err);
    if (r == 0 && still_good(v, a, key, conf, stored)) {
        printf("Existing credentials are valid. Already logged in to %s\n", key);
        return 0;
    }
    if (r == 0)
        r = get_credentials(v, stored, &user, &password, err);
    if (r == 0) {
        a->user = user;
        a->password = password;
        r = login_store(a, key, conf, err);
    }
    prompt_forget(password);
    if (r == 0)
        puts("Login Succeeded!");
    return r < 0 && err && err->kind != ERR_USAGE ? err_wrap(err, "login to %s", key) : r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(registries) struct registries conf = {0};
    auto_free char *key = NULL;
    struct registry_access access;
    int r = check_options(v, err);
    if (r == 0)
        r = registries_load(v->registry.registries_conf, &conf, err);
    if (r == 0)
        r = login_key(args->len ? args->v[0] : NULL, &conf, &key, err);
    if (r == 0 && v->get_login)
        return get_login(v, key, &conf, err);
    if (r == 0)
        r = registry_access_from(in, &v->registry, &access, NULL, err);
    return r < 0 ? r : login(v, &access, key, &conf, err);
}

const struct command cmd_login = {
    .name = "login",
    .usage = "[options] [REGISTRY]",
    .summary = "Log in to a registry",
    .details = "The credentials are kept in auth.json, which other tools read as well.\n\n"
               "Examples:\n"
               "  wherry login quay.io\n"
               "  pass quay | wherry login -u me --password-stdin quay.io\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .no_engine = true,
    .run = run,
};
