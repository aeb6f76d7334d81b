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
#include <sys/stat.h>
#include <sys/syscall.h>
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

bool command_interpreter(const char *head, size_t len, char **ret, char **ret_arg)
{
    static const char blank[] = " \t";
    if (len < 3 || head[0] != '#' || head[1] != '!')
        return false;
    auto_free char *line = xstrndup(head + 2, len - 2);
    line[strcspn(line, "\n")] = 0;
    size_t n = strlen(line);
    while (n && strchr(blank, line[n - 1]))
        line[--n] = 0;
    const char *start = line + strspn(line, blank);
    if (!*start)
        return false;
    size_t name = strcspn(start, blank);
    const char *arg = start + name + strspn(start + name, blank);
    *ret = xstrndup(start, name);
    *ret_arg = *arg ? xstrdup(arg) : NULL;
    return true;
}

/* --- what is executed ------------------------------------------------------------------------ */

/* A file without magic links on the way, and what leads to it. */
struct target {
    int fd;            /* the program at the end of the scripts, or -1 */
    struct strv front; /* arguments that the scripts put before the command's own but the first */
    bool shared;       /* others can change some of these files while we look at them */
};

static void target_done(struct target *t)
{
    close_fd(&t->fd);
    strv_done(&t->front);
}
DEFINE_AUTO(target, target_done)

/* "#!INTERPRETER ARG" puts both before the script's name, as the kernel does. */
static void add_script(struct target *t, const char *script, const char *interpreter,
                       const char *arg)
{
    struct strv front = {0};
    strv_add(&front, interpreter);
    if (arg)
        strv_add(&front, arg);
    strv_add(&front, script);
    for (size_t i = 1; i < t->front.len; i++)
        strv_add(&front, t->front.v[i]);
    strv_done(&t->front);
    t->front = front;
}

static int open_link(int root, const char *path)
{
    int fd = safe_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    return fd < 0 && fd != -ELOOP ? safe_open(root, path, O_PATH, 0) : fd;
}

/* As the kernel will walk it: nothing is cut out, as "a/.." is not "." where a is a link. */
static char *from_here(const char *path)
{
    if (*path == '/')
        return xstrdup(path);
    auto_free char *cwd = getcwd(NULL, 0);
    return xasprintf("%s/%s", cwd ? cwd : "", path);
}

/* -ELOOP when the file, or an interpreter it leads to, is reached through a magic link. What is not
 * found here is not executed: the kernel's walk could end elsewhere. */
static int find_target(int root, const char *path, bool shared_root, struct target *t)
{
    struct stat at_root, st;
    auto_free char *at = from_here(path);
    t->shared = shared_root || fstat(root, &at_root) < 0;
    for (int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
        close_fd(&t->fd);
        t->fd = open_link(root, at);
        if (t->fd < 0)
            return t->fd;
        t->shared = t->shared || fstat(t->fd, &st) < 0 || st.st_dev != at_root.st_dev;
        char head[SCRIPT_HEAD];
        auto_free char *next = NULL, *arg = NULL;
        ssize_t n = read_full(t->fd, head, sizeof(head));
        if (n < 0 || !command_interpreter(head, (size_t)n, &next, &arg))
            return 0;
        add_script(t, depth ? at : path, next, arg);
        free(at);
        at = from_here(next);
    }
    return 0;
}

/* By its name, so that it is called so. What lies on a volume or a directory of the host could be
 * another file by then: that is executed by its descriptor, which the kernel, as it is
 * close-on-exec, never takes for a script; its interpreters were followed here. */
static int execute(const struct target *t, const char *file, const struct strv *args,
                   const struct strv *env)
{
    if (!t->shared) {
        execve(file, args->v, env->v);
        return -errno;
    }
    auto_strv all = {0};
    strv_extend(&all, &t->front);
    for (size_t i = t->front.len ? 1 : 0; i < args->len; i++)
        strv_add(&all, args->v[i]);
    syscall(SYS_execveat, t->fd, "", all.v, env->v, AT_EMPTY_PATH);
    return -errno;
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

int command_exec(const struct strv *args, const struct strv *env, bool shared_root, struct err *err)
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
        auto_done(target) struct target target = {.fd = -1};
        int r = find_target(root, file, shared_root, &target);
        if (r == 0)
            r = execute(&target, file, args, env);
        /* A file that is there and cannot be run is remembered while the search goes on. */
        if (r != -ENOENT && r != -ENOTDIR)
            code = r;
        there = there || access(file, F_OK) == 0;
        if (there && code != -EACCES)
            break;
    }
    return failure(args->v[0], code, there, err);
}
