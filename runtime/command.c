/* SPDX-License-Identifier: Apache-2.0 */
/* Environment and execution of the container's command.
 *
 * Should: search as a shell does, in the container's PATH; tell "not there" (127) from "cannot be
 * run" (126). Mustn't: execute our own program on an image's behalf. An entrypoint, or a script's
 * interpreter, that is a link to /proc/self/exe would do so and make our binary, seen through
 * /proc/PID/exe, the target of a write (CVE-2019-5736). So whatever leads through a magic link is
 * refused before exec; init is the only process of the container then, nobody can swap the file. */
#include "runtime/command.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_HEAD  256 /* what the kernel reads of a script's first line */
#define SCRIPT_DEPTH 5   /* scripts whose interpreter is a script: the kernel's limit */

/* What every container has, unless it was not wanted. */
static void add_default(const struct sandbox *sb, struct strv *env, const char *pair)
{
    auto_free char *name = xstrndup(pair, strcspn(pair, "="));
    if (!sb->unset_env_all && !strv_contains(&sb->unset_env, name))
        strv_add(env, pair);
}

void command_env(const struct sandbox *sb, const char *home, struct strv *ret)
{
    auto_strv env = {0};
    add_default(sb, &env, "PATH=" COMMAND_DEFAULT_PATH);
    if (sb->tty)
        add_default(sb, &env, "TERM=xterm");
    add_default(sb, &env, "container=wherry");
    for (size_t i = 0; i < sb->env.len; i++)
        if (strchr(sb->env.v[i], '='))
            strv_env_set(&env, sb->env.v[i]);
    if (!strv_env_get(&env, "HOSTNAME"))
        strv_addf(&env, "HOSTNAME=%s", sb->hostname ? sb->hostname : "");
    if (!strv_env_get(&env, "HOME"))
        strv_addf(&env, "HOME=%s", *home ? home : "/");
    strv_extend(ret, &env);
}

void command_candidates(const char *name, const char *path, struct strv *ret)
{
    if (strchr(name, '/')) {
        strv_add(ret, name);
        return;
    }
    auto_strv dirs = {0};
    strv_split(&dirs, path, ':');
    strv_foreach (&dirs, dir)
        if (*dir)
            strv_addf(ret, "%s/%s", dir, name);
}

bool command_interpreter(const char *head, size_t len, char **ret)
{
    if (len < 3 || head[0] != '#' || head[1] != '!')
        return false;
    size_t start = 2, end;
    while (start < len && (head[start] == ' ' || head[start] == '\t'))
        start++;
    for (end = start; end < len && head[end] && !strchr(" \t\n", head[end]); end++)
        ;
    if (end == start)
        return false;
    *ret = xstrndup(head + start, end - start);
    return true;
}

/* -ELOOP when the file, or an interpreter it leads to, is reached through a magic link. */
static int refuse_magic(int root, const char *path)
{
    auto_free char *at = NULL, *cwd = getcwd(NULL, 0);
    at = path_join(cwd ? cwd : "/", path);
    for (int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
        auto_close int fd = safe_open(root, at, O_PATH, 0);
        if (fd == -ELOOP)
            return -ELOOP;
        auto_close int file =
            fd < 0 ? -1 : safe_open(root, at, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        if (file < 0) /* unreadable or missing: no script that the kernel could read either */
            return 0;
        char head[SCRIPT_HEAD];
        ssize_t n = read_full(file, head, sizeof(head));
        char *next = NULL;
        if (n < 0 || !command_interpreter(head, (size_t)n, &next))
            return 0;
        free(at);
        at = next;
    }
    return 0;
}

static int failure(const char *name, int code, bool there, struct err *err)
{
    if (there && code == -ENOENT)
        return err_kind(err, ERR_NO_COMMAND, code,
                        "%s: its interpreter or loader is not in the container: No such file or "
                        "directory",
                        name);
    if (code == -ENOENT || code == -ENOTDIR)
        return err_kind(err, ERR_NO_COMMAND, -ENOENT,
                        "%s: not found in the container%s: No such file or directory", name,
                        strchr(name, '/') ? "" : "'s $PATH");
    err_errno(err, code, "%s: cannot be executed", name);
    if (err)
        err->kind = ERR_NOT_EXEC;
    return code;
}

int command_exec(const struct strv *args, const struct strv *env, struct err *err)
{
    if (!args->len || !*args->v[0])
        return err_kind(err, ERR_NO_COMMAND, -ENOENT, "no command to run");
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, -errno, "the container's root");
    const char *path = strv_env_get(env, "PATH");
    auto_strv files = {0};
    command_candidates(args->v[0], path ? path : COMMAND_DEFAULT_PATH, &files);
    int code = -ENOENT;
    bool there = false;
    strv_foreach (&files, file) {
        int r = refuse_magic(root, file);
        if (r == 0) {
            execve(file, args->v, env->v);
            r = -errno;
        }
        /* A file that is there and cannot be run is remembered while the search goes on. */
        if (r != -ENOENT && r != -ENOTDIR)
            code = r;
        there = there || access(file, F_OK) == 0;
        if (there && code != -EACCES)
            break;
    }
    return failure(args->v[0], code, there, err);
}
