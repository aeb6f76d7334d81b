/* SPDX-License-Identifier: Apache-2.0 */
/* From the ids that a user has to the map that was asked for.
 *
 * Theory of operation. As in podman there are two steps. What the user has (id_maps_choose) is
 * counted from 0: 0 is the user, 1... the subordinate ids, range after range. These intermediate
 * ids are what --uidmap names and what the other modes are made of; the second step replaces them
 * by what they stand for outside, where a range may come apart into several.
 *
 * Should: give exactly what was asked for. Mustn't: leave an id out, or map one twice. */
#include "runtime/idmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t total(const struct id_range *ranges, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ranges[i].count;
    return sum;
}

static bool overlaps(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
    return a < b + b_count && b < a + a_count;
}

static int check_lines(const char *what, const struct id_range *lines, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct id_range *a = &lines[i];
        if (a->count == 0 || (uint64_t)a->inside + a->count > UINT32_MAX ||
            (uint64_t)a->outside + a->count > UINT32_MAX)
            return err_kind(err, ERR_USAGE, -ERANGE, "%s %u:%u:%u is empty or beyond 32 bits", what,
                            a->inside, a->outside, a->count);
        for (size_t j = 0; j < i; j++)
            if (overlaps(a->inside, a->count, lines[j].inside, lines[j].count) ||
                overlaps(a->outside, a->count, lines[j].outside, lines[j].count))
                return err_kind(err, ERR_USAGE, -EINVAL, "%s %u:%u:%u overlaps %u:%u:%u", what,
                                a->inside, a->outside, a->count, lines[j].inside, lines[j].outside,
                                lines[j].count);
    }
    return 0;
}

static int too_few(const char *what, const struct id_range *line, uint64_t has, struct err *err)
{
    if (has == 1)
        return err_set(err, -ERANGE,
                       "%s %u:%u:%u needs subordinate ids, and this user has none (see /etc/subuid "
                       "and /etc/subgid)",
                       what, line->inside, line->outside, line->count);
    return err_set(err, -ERANGE,
                   "%s %u:%u:%u needs more ids than this user has: 0 is the user, 1 to %" PRIu64
                   " are subordinate ids (see /etc/subuid and /etc/subgid)",
                   what, line->inside, line->outside, line->count, has - 1);
}

int id_ranges_compose(const char *what, const struct id_range *lines, size_t n,
                      const struct id_range *base, size_t n_base, struct id_range *ret,
                      size_t *ret_n, struct err *err)
{
    struct id_range out[ID_RANGES_MAX];
    size_t n_out = 0;
    int r = check_lines(what, lines, n, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        uint32_t inside = lines[i].inside, middle = lines[i].outside, left = lines[i].count;
        for (size_t b = 0; b < n_base && left; b++) {
            if (middle < base[b].inside || middle - base[b].inside >= base[b].count)
                continue;
            uint32_t skip = middle - base[b].inside, room = base[b].count - skip;
            uint32_t part = left < room ? left : room;
            if (n_out == ID_RANGES_MAX)
                return err_set(err, -E2BIG, "%s: more than %d ranges", what, ID_RANGES_MAX);
            out[n_out++] = (struct id_range){inside, base[b].outside + skip, part};
            inside += part, middle += part, left -= part;
        }
        if (left)
            return too_few(what, &lines[i], total(base, n_base), err);
    }
    memcpy(ret, out, n_out * sizeof(*out));
    *ret_n = n_out;
    return 0;
}

/* "CONTAINER:INTERMEDIATE[:COUNT]" */
static int line_parse(const char *what, const char *text, struct id_range *ret, struct err *err)
{
    uint32_t v[3] = {0, 0, 1};
    const char *p = text;
    size_t n = 0;
    bool more = true, ok = true;
    for (; ok && more && n < 3; n++) {
        char *end = NULL;
        errno = 0;
        unsigned long x = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;
        ok = end && !errno && x <= UINT32_MAX;
        v[n] = (uint32_t)x;
        more = ok && *end == ':';
        p = more ? end + 1 : end;
    }
    if (!ok || more || n < 2 || *p)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid %s \"%s\": want CONTAINER-ID:INTERMEDIATE-ID[:COUNT]", what, text);
    *ret = (struct id_range){v[0], v[1], v[2]};
    return 0;
}

static int side_listed(const char *what, const struct strv *texts, const struct id_range *base,
                       size_t n_base, struct id_range *ret, size_t *ret_n, struct err *err)
{
    struct id_range lines[ID_RANGES_MAX];
    if (texts->len > ID_RANGES_MAX)
        return err_kind(err, ERR_USAGE, -E2BIG, "%s: more than %d", what, ID_RANGES_MAX);
    for (size_t i = 0; i < texts->len; i++) {
        int r = line_parse(what, texts->v[i], &lines[i], err);
        if (r < 0)
            return r;
    }
    return id_ranges_compose(what, lines, texts->len, base, n_base, ret, ret_n, err);
}

int id_maps_listed(const struct id_maps *base, const struct strv *uids, const struct strv *gids,
                   struct id_maps *ret, struct err *err)
{
    struct id_maps m = {.single = base->single};
    /* As in podman: one of the two stands for both. */
    const struct strv *u = uids->len ? uids : gids, *g = gids->len ? gids : uids;
    int r = side_listed("--uidmap", u, base->uids, base->n_uids, m.uids, &m.n_uids, err);
    if (r == 0)
        r = side_listed("--gidmap", g, base->gids, base->n_gids, m.gids, &m.n_gids, err);
    if (r == 0)
        *ret = m;
    return r;
}

/* Everything as without it, but the user has the id `own`, not 0: what is below it moves up. */
static int side_keep(uint32_t own, const struct id_range *base, size_t n_base, struct id_range *ret,
                     size_t *ret_n, struct err *err)
{
    uint64_t others = total(base, n_base) - 1;
    uint32_t below = own < others ? own : (uint32_t)others;
    struct id_range lines[3];
    size_t n = 0;
    if (below)
        lines[n++] = (struct id_range){0, 1, below};
    lines[n++] = (struct id_range){own, 0, 1};
    if (others > below && (uint64_t)own + 1 + others - below <= UINT32_MAX)
        lines[n++] = (struct id_range){own + 1, below + 1, (uint32_t)(others - below)};
    return id_ranges_compose("--userns=keep-id", lines, n, base, n_base, ret, ret_n, err);
}

int id_maps_keep(const struct id_maps *base, uint32_t uid, uint32_t gid, struct id_maps *ret,
                 struct err *err)
{
    struct id_maps m = {.single = base->single};
    int r = side_keep(uid, base->uids, base->n_uids, m.uids, &m.n_uids, err);
    if (r == 0)
        r = side_keep(gid, base->gids, base->n_gids, m.gids, &m.n_gids, err);
    if (r == 0)
        *ret = m;
    return r;
}

int id_maps_without_user(const struct id_maps *base, struct id_maps *ret, struct err *err)
{
    struct id_maps m = {0};
    uint64_t u = total(base->uids, base->n_uids) - 1, g = total(base->gids, base->n_gids) - 1;
    if (u == 0 || g == 0)
        return err_set(err, -EINVAL,
                       "--userns=nomap needs subordinate ids (see /etc/subuid and /etc/subgid)");
    const struct id_range ul = {0, 1, (uint32_t)u}, gl = {0, 1, (uint32_t)g};
    int r = id_ranges_compose("--userns=nomap", &ul, 1, base->uids, base->n_uids, m.uids, &m.n_uids,
                              err);
    if (r == 0)
        r = id_ranges_compose("--userns=nomap", &gl, 1, base->gids, base->n_gids, m.gids, &m.n_gids,
                              err);
    if (r == 0)
        *ret = m;
    return r;
}

bool id_ranges_free(const struct id_range *used, size_t n_used, uint64_t limit, uint32_t size,
                    uint32_t *ret)
{
    /* The first gap starts at 1 or behind something used. */
    uint64_t best = UINT64_MAX;
    for (size_t i = 0; i <= n_used; i++) {
        uint64_t at = i == n_used ? 1 : (uint64_t)used[i].outside + used[i].count;
        bool taken = at + size > limit;
        for (size_t j = 0; j < n_used && !taken; j++)
            taken = overlaps(at, size, used[j].outside, used[j].count);
        if (!taken && at < best)
            best = at;
    }
    if (best == UINT64_MAX)
        return false;
    *ret = (uint32_t)best;
    return true;
}
