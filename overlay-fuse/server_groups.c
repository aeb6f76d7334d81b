/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of who asks.
 *
 * Theory of operation. A request names the caller's first group only. The others matter in one
 * case: set-group-ID without execute permission for the group stays when somebody of the group
 * writes or changes the owner. (What is made gets its bits from the kernel, and the group that
 * newer kernels add for that, FUSE_CREATE_SUPP_GROUP, comes with such requests alone.) So the
 * caller is looked up in /proc, where it waits for the answer meanwhile.
 *
 * That needs a process number that means the same here, so it is done for a mount of our own only.
 * A container mounts in its own process namespace: its numbers are of that, and a server that is to
 * see other processes would have more in reach than it should. There the bit goes when a member by
 * a supplementary group writes, which is the safe side. */
#include "overlay-fuse/server.h"

#include "base/file.h"

#include <fcntl.h>
#include <string.h>

/* "Groups:\t4 24 27 \n" in /proc/PID/status, as this user namespace numbers them. */
static bool is_listed(const struct server *s, const char *status, gid_t gid)
{
    const char *at = strstr(status, "\nGroups:");
    char *end;
    for (at = at ? at + strlen("\nGroups:") : ""; *at && *at != '\n'; at = end) {
        unsigned long one = strtoul(at, &end, 10);
        if (end == at)
            return false;
        if (server_gid(s, (gid_t)one) == gid)
            return true;
        end += strspn(end, " ");
    }
    return false;
}

static bool has_group(const struct server *s, pid_t pid, gid_t gid)
{
    auto_buf status = {0};
    char path[40];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    return file_read_at(AT_FDCWD, path, 1 << 21, &status, NULL) == 0 &&
           is_listed(s, buf_str(&status), gid);
}

bool server_of_group(fuse_req_t req, const struct node *n)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    const struct server *s = server_of(req);
    if (ctx->uid == 0 || server_gid(s, ctx->gid) == n->v.gid)
        return true;
    bool matters = (n->v.mode & (S_ISGID | S_IXGRP)) == S_ISGID && !node_is_dir(n);
    return matters && s->sees_callers && ctx->pid > 0 && has_group(s, ctx->pid, n->v.gid);
}
