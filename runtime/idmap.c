/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing the id maps of the calling user.
 *
 * Should: take every range that the machine's administrator gave the user, and only those.
 * Mustn't: guess a wider map when a line is wrong; look anything up in a container. */
#include "runtime/idmap.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/strv.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUBID_LIMIT                                                                                \
    (4 * 1024 * 1024) /* bytes of /etc/subuid; a large site has some 100 k lines                   \
                       */

/* Decimal number of at most 32 bits that ends at `stop`. */
static bool number(const char *s, char stop, uint32_t *ret, const char **ret_rest)
{
    uint64_t v = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++) {
        v = v * 10 + (uint64_t)(*p - '0');
        if (v > UINT32_MAX)
            return false;
    }
    if (p == s || *p != stop)
        return false;
    *ret = (uint32_t)v;
    *ret_rest = p + 1;
    return true;
}

/* True when the line "OWNER:START:COUNT" is well formed and the user's. */
static bool line_parse(const char *line, const char *name, uint32_t id, struct id_range *ret)
{
    const char *colon = strchr(line, ':'), *rest;
    uint32_t owner;
    if (!colon)
        return false;
    bool by_name = name && strlen(name) == (size_t)(colon - line) &&
                   strncmp(line, name, (size_t)(colon - line)) == 0;
    if (!by_name && !(number(line, ':', &owner, &rest) && owner == id))
        return false;
    return number(colon + 1, ':', &ret->outside, &rest) && number(rest, 0, &ret->count, &rest) &&
           ret->count > 0;
}

static bool overlap(const struct id_range *a, const struct id_range *b)
{
    return (uint64_t)a->outside < (uint64_t)b->outside + b->count &&
           (uint64_t)b->outside < (uint64_t)a->outside + a->count;
}

static int range_add(const struct id_range *r, const char *file, struct id_range *ranges,
                     size_t max, size_t *n, struct err *err)
{
    uint64_t inside = 0;
    for (size_t i = 0; i < *n; i++) {
        if (ranges[i].outside == r->outside && ranges[i].count == r->count)
            return 0;
        if (overlap(&ranges[i], r))
            return err_set(err, -EINVAL, "%s: the range %u:%u overlaps %u:%u", file, r->outside,
                           r->count, ranges[i].outside, ranges[i].count);
        inside = (uint64_t)ranges[i].inside + ranges[i].count;
    }
    /* 2^32 - 1 is "no id" for the kernel. */
    if ((uint64_t)r->outside + r->count > UINT32_MAX || inside + r->count > UINT32_MAX)
        return err_set(err, -ERANGE, "%s: the range %u:%u is beyond 32 bits", file, r->outside,
                       r->count);
    if (*n == max)
        return err_set(err, -E2BIG, "%s: more than %zu ranges for one user", file, max);
    ranges[*n] =
        (struct id_range){.inside = (uint32_t)inside, .outside = r->outside, .count = r->count};
    (*n)++;
    return 0;
}

int id_ranges_parse(const char *text, const char *file, const char *name, uint32_t id,
                    struct id_range *ranges, size_t max, size_t *n, struct err *err)
{
    for (const char *p = text; *p;) {
        const char *end = strchrnul(p, '\n');
        auto_free char *line = xstrndup(p, (size_t)(end - p));
        struct id_range r = {0};
        if (line_parse(line, name, id, &r)) {
            int code = range_add(&r, file, ranges, max, n, err);
            if (code < 0)
                return code;
        }
        p = *end ? end + 1 : end;
    }
    return 0;
}

int64_t id_map_outside(const struct id_range *ranges, size_t n, uint32_t inside)
{
    for (size_t i = 0; i < n; i++)
        if (inside >= ranges[i].inside && inside - ranges[i].inside < ranges[i].count)
            return (int64_t)ranges[i].outside + (inside - ranges[i].inside);
    return -1;
}

int64_t id_map_inside(const struct id_range *ranges, size_t n, uint32_t outside)
{
    for (size_t i = 0; i < n; i++)
        if (outside >= ranges[i].outside && outside - ranges[i].outside < ranges[i].count)
            return (int64_t)ranges[i].inside + (outside - ranges[i].outside);
    return -1;
}

uint32_t id_map_owner(const struct id_range *ranges, size_t n)
{
    return n == 0 || id_map_outside(ranges, n, 0) >= 0 ? 0 : ranges[0].inside;
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    auto_strv dirs = {0};
    strv_split(&dirs, path ? path : "/usr/bin:/bin", ':');
    strv_foreach (&dirs, dir) {
        auto_free char *full = xasprintf("%s/%s", dir, program);
        if (*dir == '/' && access(full, X_OK) == 0)
            return true;
    }
    return false;
}

/* Fills one side of the maps; leaves only the own id when the file gives nothing. */
static int side_fill(const char *file, const char *name, uint32_t owner, uint32_t own,
                     struct id_range *ranges, size_t *ret_n, struct err *err)
{
    ranges[0] = (struct id_range){.inside = 0, .outside = own, .count = 1};
    *ret_n = 1;
    auto_buf text = {0};
    int r = file_read_at(AT_FDCWD, file, SUBID_LIMIT, &text, err);
    if (r < 0)
        return r == -ENOENT || r == -EACCES ? 0 : r;
    return id_ranges_parse(buf_str(&text), file, name, owner, ranges, ID_RANGES_MAX, ret_n, err);
}

int id_maps_choose(struct id_maps *ret, struct err *err)
{
    struct id_maps m = {0};
    const char *forced = getenv("WHERRY_SINGLE_ID");
    m.single = (forced && *forced == '1') || !in_path("newuidmap") || !in_path("newgidmap");
    if (!m.single) {
        struct passwd *pw = getpwuid(geteuid());
        auto_free char *name = strdup_or_null(pw ? pw->pw_name : NULL);
        int r = side_fill("/etc/subuid", name, geteuid(), geteuid(), m.uids, &m.n_uids, err);
        if (r == 0)
            r = side_fill("/etc/subgid", name, geteuid(), getegid(), m.gids, &m.n_gids, err);
        if (r < 0)
            return r;
        /* Users without groups, or the other way round, help nobody. */
        m.single = m.n_uids < 2 || m.n_gids < 2;
    }
    if (m.single) {
        m.uids[0] = (struct id_range){.outside = geteuid(), .count = 1};
        m.gids[0] = (struct id_range){.outside = getegid(), .count = 1};
        m.n_uids = m.n_gids = 1;
    }
    *ret = m;
    return 0;
}
