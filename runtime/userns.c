/* SPDX-License-Identifier: Apache-2.0 */
/* Giving a user namespace its id maps, from outside.
 *
 * Should: write exactly the chosen maps; forbid setgroups where the single id could be used to
 * drop a group that denies access. Mustn't: run while the namespace already executes foreign code.
 */
#include "runtime/idmap.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/strv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int proc_write(pid_t pid, const char *name, const char *text, struct err *err)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    /* One write: the kernel takes a map only whole. */
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return err_errno(err, -errno, "write %s", path);
    return 0;
}

static int write_single(pid_t pid, const struct id_maps *m, struct err *err)
{
    char uids[64], gids[64];
    snprintf(uids, sizeof(uids), "%u %u 1\n", m->uids[0].inside, m->uids[0].outside);
    snprintf(gids, sizeof(gids), "%u %u 1\n", m->gids[0].inside, m->gids[0].outside);
    int r = proc_write(pid, "uid_map", uids, err);
    if (r == 0)
        r = proc_write(pid, "setgroups", "deny", err);
    return r < 0 ? r : proc_write(pid, "gid_map", gids, err);
}

static pid_t helper_start(const char *program, pid_t pid, const struct id_range *ranges, size_t n,
                          int stderr_fd, struct err *err)
{
    auto_strv args = {0};
    strv_add(&args, program);
    strv_addf(&args, "%d", (int)pid);
    for (size_t i = 0; i < n; i++) {
        strv_addf(&args, "%u", ranges[i].inside);
        strv_addf(&args, "%u", ranges[i].outside);
        strv_addf(&args, "%u", ranges[i].count);
    }
    struct spawn sp = {.path = program,
                       .argv = strv_argv(&args),
                       .stdin_fd = -1,
                       .stdout_fd = -1,
                       .stderr_fd = stderr_fd};
    return proc_spawn(&sp, err);
}

/* Both helpers at once: each is a program start of about a millisecond. */
static int write_by_helpers(pid_t pid, const struct id_maps *m, struct err *err)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    auto_close int from = p[0], to = p[1];
    pid_t u = helper_start("newuidmap", pid, m->uids, m->n_uids, to, err);
    if (u < 0)
        return u;
    struct err second = {0};
    pid_t g = helper_start("newgidmap", pid, m->gids, m->n_gids, to, &second);
    close_fd(&to);
    int u_status = -1, g_status = -1;
    proc_wait(u, &u_status);
    if (g < 0) {
        if (err)
            *err = second;
        return g;
    }
    proc_wait(g, &g_status);
    if (u_status == 0 && g_status == 0)
        return 0;
    char said[512];
    ssize_t n = read_full(from, said, sizeof(said) - 1);
    said[n < 0 ? 0 : n] = 0;
    said[strcspn(said, "\n")] = 0;
    return err_set(err, -EPERM, "%s refused the id map%s%s; see /etc/subuid and /etc/subgid",
                   u_status ? "newuidmap" : "newgidmap", *said ? ": " : "", said);
}

int userns_write_maps(pid_t pid, const struct id_maps *maps, struct err *err)
{
    return maps->single ? write_single(pid, maps, err) : write_by_helpers(pid, maps, err);
}

/* True when the sysctl file exists and holds the number. */
static bool sysctl_is(const char *path, long value)
{
    auto_buf text = {0};
    if (file_read_at(AT_FDCWD, path, 64, &text, NULL) < 0)
        return false;
    char *end;
    long v = strtol(buf_str(&text), &end, 10);
    return end != buf_str(&text) && v == value;
}

int userns_explain(int code, struct err *err)
{
    static const struct {
        const char *path;
        long bad;
        const char *advice;
    } causes[] = {
        {"/proc/sys/user/max_user_namespaces", 0,
         "user namespaces are off: sysctl user.max_user_namespaces is 0"},
        {"/proc/sys/kernel/unprivileged_userns_clone", 0,
         "user namespaces are off for users: sysctl kernel.unprivileged_userns_clone is 0"},
        {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1,
         "AppArmor restricts user namespaces: sysctl "
         "kernel.apparmor_restrict_unprivileged_userns is 1, or give wherry a profile with userns"},
    };
    for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
        if (sysctl_is(causes[i].path, causes[i].bad))
            return err_set(err, code, "%s", causes[i].advice);
    if (code == -ENOSPC)
        return err_set(err, code,
                       "too many namespaces: see /proc/sys/user/max_*_namespaces, and the depth of "
                       "nested user namespaces");
    return err_errno(err, code, "make the container's namespaces");
}
