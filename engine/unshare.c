/* SPDX-License-Identifier: Apache-2.0 */
/* `unshare`: a command of the host in a user namespace as containers have it. */
#include "engine/unshare.h"

#include "base/alloc.h"
#include "runtime/sandbox.h"
#include "runtime/unshare.h"

#include <stdlib.h>
#include <unistd.h>

/* Who it is outside, in the variables that podman's scripts look at; and where our store is, which
 * would be looked for in root's home else. */
static void set_environment(struct engine *e, uid_t uid, gid_t gid)
{
    auto_free char *user = xasprintf("%u", uid), *group = xasprintf("%u", gid);
    setenv("_CONTAINERS_ROOTLESS_UID", user, 1);
    setenv("_CONTAINERS_ROOTLESS_GID", group, 1);
    setenv("WHERRY_ROOT", e->store.root, 1);
    setenv("WHERRY_RUNROOT", e->store.runroot, 1);
}

int engine_unshare(struct engine *e, const struct strv *command, struct err *err)
{
    struct id_maps maps;
    const char *shell = getenv("SHELL");
    char *own[] = {(char *)(shell && *shell ? shell : "/bin/sh"), NULL};
    char *const *argv = command->len ? command->v : own;
    uid_t uid = getuid();
    gid_t gid = getgid();
    int r = id_maps_choose(&maps, err);
    if (r == 0)
        r = unshare_user(&maps, err);
    if (r < 0)
        return r;
    set_environment(e, uid, gid);
    execvp(argv[0], argv);
    if (errno == ENOENT)
        return err_kind(err, ERR_NO_COMMAND, -ENOENT,
                        "exec: \"%s\": executable file not found in $PATH", argv[0]);
    r = err_errno(err, -errno, "exec: \"%s\"", argv[0]);
    if (err)
        err->kind = ERR_NOT_EXEC;
    return r;
}
