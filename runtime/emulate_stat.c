/* SPDX-License-Identifier: Apache-2.0 */
/* stat and access with the owners that were recorded: --root-emulation=consistent.
 *
 * Theory of operation. The kernel knows one owner and shows it for everything. Here each stat is
 * looked at: the object is found as the caller would find it, and if another owner was recorded for
 * it the caller gets what the kernel says with this owner in place. In all other cases, errors
 * among them, the kernel answers the call itself, so what can go wrong is that root is shown. The
 * form of `struct stat` is that of the machine's own programs; 32-bit ones see root, but by statx.
 *
 * access() is refused where the user that a process believes to be has no right to an object by
 * its owner and mode. No more is claimed: open() asks nobody, and access lists are not read.
 *
 * Should: ask the kernel for everything but the owner. Mustn't: allow what the kernel would not. */
#include "runtime/emulate_internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef AT_STATX_SYNC_TYPE
#define AT_STATX_SYNC_TYPE 0x6000
#endif

/* What these calls take; the rest is the kernel's to refuse. */
#define STAT_FLAGS   (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)
#define ACCESS_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS)

/* What the arguments of a stat are. */
struct query {
    int dirfd; /* of fstat(): the object */
    bool by_fd;
    uint64_t path, out;
    int flags;
    uint32_t mask; /* of statx() */
};

static struct query arguments(const struct call *c)
{
    const uint64_t *a = c->arg;
    switch (c->what->op) {
    case OP_FSTAT: return (struct query){.dirfd = (int)a[0], .by_fd = true, .out = a[1]};
    case OP_FSTATAT:
        return (struct query){.dirfd = (int)a[0], .path = a[1], .out = a[2], .flags = (int)a[3]};
    case OP_STATX:
        return (struct query){.dirfd = (int)a[0],
                              .path = a[1],
                              .flags = (int)a[2],
                              .mask = (uint32_t)a[3],
                              .out = a[4]};
    default:
        return (struct query){.dirfd = AT_FDCWD,
                              .path = a[0],
                              .out = a[1],
                              .flags = c->what->op == OP_LSTAT ? AT_SYMLINK_NOFOLLOW : 0};
    }
}

static int find(const struct call *c, const struct query *q)
{
    bool empty = q->flags & AT_EMPTY_PATH;
    if (q->by_fd || (empty && !q->path && q->dirfd >= 0))
        return call_find_fd(c, q->dirfd);
    return call_find_by_address(c, q->dirfd, q->path, !(q->flags & AT_SYMLINK_NOFOLLOW), empty);
}

static int tell_stat(const struct call *c, const struct query *q, int fd, uint32_t uid,
                     uint32_t gid)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    st.st_uid = uid;
    st.st_gid = gid;
    return call_write(c, q->out, &st, sizeof(st));
}

static int tell_statx(const struct call *c, const struct query *q, int fd, uint32_t uid,
                      uint32_t gid)
{
    struct statx st;
    if (statx(fd, "", AT_EMPTY_PATH | (q->flags & AT_STATX_SYNC_TYPE), q->mask, &st) < 0)
        return -errno;
    st.stx_uid = uid;
    st.stx_gid = gid;
    return call_write(c, q->out, &st, sizeof(st));
}

int64_t call_stat(struct call *c)
{
    const struct query q = arguments(c);
    uint32_t uid, gid;
    if (q.flags & ~STAT_FLAGS)
        return CALL_CONTINUE;
    auto_close int fd = find(c, &q);
    if (fd < 0 || !call_is_ours(c, fd) || !call_recorded_owner(fd, &uid, &gid) ||
        (uid == 0 && gid == 0))
        return CALL_CONTINUE;
    int r =
        c->what->op == OP_STATX ? tell_statx(c, &q, fd, uid, gid) : tell_stat(c, &q, fd, uid, gid);
    return r < 0 ? CALL_CONTINUE : 0;
}

/* --- access ---------------------------------------------------------------------------------- */

static bool in_group(const struct ids *ids, uint32_t own, uint32_t gid)
{
    if (own == gid)
        return true;
    for (uint32_t i = 0; ids->n_groups != IDS_KEEP && i < ids->n_groups; i++)
        if (ids->groups[i] == gid)
            return true;
    return false;
}

static bool may(const struct ids *ids, bool effective, const struct stat *st, unsigned wanted)
{
    uint32_t uid = effective ? ids->uid.fs : ids->uid.real;
    unsigned shift = uid == st->st_uid                                                    ? 6
                     : in_group(ids, effective ? ids->gid.fs : ids->gid.real, st->st_gid) ? 3
                                                                                          : 0;
    return (wanted & ~((unsigned)st->st_mode >> shift) & 7) == 0;
}

int64_t call_access(struct call *c)
{
    bool at = c->what->op != OP_ACCESS;
    const struct ids *ids = call_ids(c);
    unsigned wanted = (unsigned)c->arg[at + 1];
    /* faccessat() has no flags, and what is where they would be is anything. */
    int flags = c->what->op == OP_FACCESSAT2 ? (int)c->arg[3] : 0;
    bool effective = flags & AT_EACCESS;
    uint32_t uid = effective ? ids->uid.fs : ids->uid.real;
    struct stat st;
    if (uid == 0 || wanted == F_OK || wanted & ~7u || flags & ~ACCESS_FLAGS)
        return CALL_CONTINUE;
    auto_close int fd = call_find_by_address(c, at ? (int)c->arg[0] : AT_FDCWD, c->arg[at],
                                             !(flags & AT_SYMLINK_NOFOLLOW), flags & AT_EMPTY_PATH);
    if (fd < 0 || !call_is_ours(c, fd) || fstat(fd, &st) < 0 ||
        !call_recorded_owner(fd, &st.st_uid, &st.st_gid))
        return CALL_CONTINUE;
    return may(ids, effective, &st, wanted) ? CALL_CONTINUE : -EACCES;
}
