/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of set*id, and a table of ids. */
#include "runtime/emulate_ids.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_BASE UINT64_C(0x5749445300000000) /* "WIDS" */

static bool has(const struct id_set *s, uint32_t id)
{
    return id == s->real || id == s->effective || id == s->saved;
}

int ids_set(struct id_set *s, uint32_t id, bool privileged)
{
    if (id == IDS_KEEP)
        return -EINVAL;
    if (privileged)
        s->real = s->saved = id;
    else if (id != s->real && id != s->saved)
        return -EPERM;
    s->effective = s->fs = id;
    return 0;
}

int ids_setre(struct id_set *s, uint32_t real, uint32_t effective, bool privileged)
{
    struct id_set n = *s;
    if (real != IDS_KEEP) {
        if (!privileged && real != s->real && real != s->effective)
            return -EPERM;
        n.real = real;
    }
    if (effective != IDS_KEEP) {
        if (!privileged && !has(s, effective))
            return -EPERM;
        n.effective = effective;
    }
    if (real != IDS_KEEP || (effective != IDS_KEEP && effective != s->real))
        n.saved = n.effective;
    n.fs = n.effective;
    *s = n;
    return 0;
}

int ids_setres(struct id_set *s, uint32_t real, uint32_t effective, uint32_t saved, bool privileged)
{
    struct id_set n = *s;
    const uint32_t wanted[] = {real, effective, saved};
    uint32_t *const places[] = {&n.real, &n.effective, &n.saved};
    for (int i = 0; i < 3; i++) {
        if (wanted[i] == IDS_KEEP)
            continue;
        if (!privileged && !has(s, wanted[i]))
            return -EPERM;
        *places[i] = wanted[i];
    }
    n.fs = n.effective;
    *s = n;
    return 0;
}

uint32_t ids_setfs(struct id_set *s, uint32_t id, bool privileged)
{
    uint32_t old = s->fs;
    if (id != IDS_KEEP && (privileged || has(s, id) || id == s->fs))
        s->fs = id;
    return old;
}

void ids_settle(struct ids *ids, const struct id_set *old)
{
    const struct id_set *s = &ids->uid;
    if (!s->real || !s->effective || !s->saved) {
        ids->kept = 0;
    } else if (!old->real || !old->effective || !old->saved) {
        ids->kept = ids->keeps;
        ids->keeps = 0; /* as the next exec does */
    }
}

/* What counts of an entry; of the groups those that there are. */
static size_t length(const struct ids *ids)
{
    size_t n = ids->n_groups == IDS_KEEP ? 0 : ids->n_groups;
    return offsetof(struct ids, groups) + n * sizeof(*ids->groups);
}

int ids_intern(struct ids_table *t, const struct ids *ids)
{
    size_t len = length(ids);
    for (size_t i = 0; i < t->n; i++)
        if (length(t->v[i]) == len && memcmp(t->v[i], ids, len) == 0)
            return (int)i;
    if (t->n == IDS_TABLE_MAX)
        return -EAGAIN;
    t->v = xrealloc(t->v, t->n + 1, sizeof(*t->v));
    t->v[t->n] = xmemdup(ids, len);
    return (int)t->n++;
}

const struct ids *ids_by_limit(const struct ids_table *t, uint64_t limit)
{
    return limit > LIMIT_BASE && limit - LIMIT_BASE < t->n ? t->v[limit - LIMIT_BASE] : t->v[0];
}

uint64_t ids_limit(int number)
{
    return number ? LIMIT_BASE + (uint64_t)number : UINT64_MAX;
}

void ids_table_done(struct ids_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->v[i]);
    free(t->v);
    *t = (struct ids_table){0};
}
