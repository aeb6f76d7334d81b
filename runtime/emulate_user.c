/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process believes to be. See emulate_ids.h. */
#include "runtime/emulate_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

uint32_t call_id(const struct call *c, uint64_t id)
{
    if (!c->what->narrow)
        return (uint32_t)id;
    return (uint16_t)id == UINT16_MAX ? IDS_KEEP : (uint16_t)id;
}

const struct ids *call_ids(const struct call *c)
{
    struct rlimit64 limit;
    if (prlimit64(c->pid, RLIMIT_LOCKS, NULL, &limit) < 0)
        return c->e->table.v[0];
    return ids_by_limit(&c->e->table, limit.rlim_cur);
}

/* Where the host has a hard limit below our numbers, a process keeps what it had: it was told that
 * it is somebody else, and will be told that it is not when it asks. */
static int64_t take(const struct call *c, const struct ids *ids)
{
    struct rlimit64 limit;
    int number = ids_intern(&c->e->table, ids);
    if (number < 0)
        return number;
    if (prlimit64(c->pid, RLIMIT_LOCKS, NULL, &limit) < 0 || !call_valid(c))
        return -ESRCH;
    limit.rlim_cur = ids_limit(number);
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    prlimit64(c->pid, RLIMIT_LOCKS, &limit, NULL);
    return 0;
}

static struct ids copy_ids(const struct call *c)
{
    struct ids ids = {0};
    const struct ids *now = call_ids(c);
    size_t n = now->n_groups == IDS_KEEP ? 0 : now->n_groups;
    memcpy(&ids, now, offsetof(struct ids, groups) + n * sizeof(*ids.groups));
    return ids;
}

int64_t call_keep_caps(struct call *c)
{
    struct ids ids = copy_ids(c);
    ids.keeps = c->arg[1] == 1;
    int64_t r = take(c, &ids);
    return r < 0 ? r : CALL_CONTINUE;
}

int64_t call_set_ids(struct call *c)
{
    struct ids ids = copy_ids(c);
    const struct id_set old = ids.uid;
    bool root = ids_privileged(&ids);
    bool of_group = c->what->op >= OP_SETGID;
    struct id_set *s = of_group ? &ids.gid : &ids.uid;
    uint32_t a = call_id(c, c->arg[0]), b = call_id(c, c->arg[1]), d = call_id(c, c->arg[2]);
    int64_t r = 0, value = 0;
    switch (c->what->op) {
    case OP_SETUID:
    case OP_SETGID: r = ids_set(s, a, root); break;
    case OP_SETREUID:
    case OP_SETREGID: r = ids_setre(s, a, b, root); break;
    case OP_SETRESUID:
    case OP_SETRESGID: r = ids_setres(s, a, b, d, root); break;
    default: value = ids_setfs(s, a, root);
    }
    if (r == 0) {
        ids_settle(&ids, &old);
        r = take(c, &ids);
    }
    return r < 0 ? r : value;
}

int64_t call_set_groups(struct call *c)
{
    struct ids ids = copy_ids(c);
    uint64_t n = (uint32_t)c->arg[0];
    uint16_t narrow[IDS_GROUPS_MAX];
    if (!ids_privileged(&ids))
        return -EPERM;
    if (n > IDS_GROUPS_MAX)
        return -EINVAL;
    int r = c->what->narrow ? call_read(c, c->arg[1], narrow, n * sizeof(*narrow))
                            : call_read(c, c->arg[1], ids.groups, n * sizeof(*ids.groups));
    if (r < 0)
        return r;
    for (size_t i = 0; c->what->narrow && i < n; i++)
        ids.groups[i] = narrow[i];
    ids.n_groups = (uint32_t)n;
    return take(c, &ids);
}

/* Ids as the call has them, side by side. */
static int write_ids(const struct call *c, uint64_t address, const uint32_t *ids, size_t n)
{
    uint16_t narrow[IDS_GROUPS_MAX];
    if (!c->what->narrow)
        return call_write(c, address, ids, n * sizeof(*ids));
    for (size_t i = 0; i < n; i++)
        narrow[i] = ids[i] > UINT16_MAX ? 65534 : (uint16_t)ids[i];
    return call_write(c, address, narrow, n * sizeof(*narrow));
}

int64_t call_get_ids(struct call *c)
{
    const struct ids *ids = call_ids(c);
    const struct id_set *s = &ids->uid;
    uint32_t value = 0;
    switch (c->what->op) {
    case OP_GETUID: value = s->real; break;
    case OP_GETEUID: value = s->effective; break;
    case OP_GETGID: value = ids->gid.real; break;
    case OP_GETEGID: value = ids->gid.effective; break;
    default: {
        if (c->what->op == OP_GETRESGID)
            s = &ids->gid;
        const uint32_t three[] = {s->real, s->effective, s->saved};
        int r = 0;
        for (int i = 0; r == 0 && i < 3; i++)
            r = write_ids(c, c->arg[i], &three[i], 1);
        return r;
    }
    }
    return c->what->narrow && value > UINT16_MAX ? 65534 : value;
}

int64_t call_get_groups(struct call *c)
{
    const struct ids *ids = call_ids(c);
    int room = (int)c->arg[0];
    if (ids->n_groups == IDS_KEEP)
        return CALL_CONTINUE;
    if (room < 0 || (room && (uint32_t)room < ids->n_groups))
        return -EINVAL;
    int r = room ? write_ids(c, c->arg[1], ids->groups, ids->n_groups) : 0;
    return r < 0 ? r : (int64_t)ids->n_groups;
}
