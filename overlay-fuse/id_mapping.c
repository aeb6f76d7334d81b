/* SPDX-License-Identifier: Apache-2.0 */
/* Ids on disk to ids in the mount and back. */
#include "overlay-fuse/id_mapping.h"

#include "base/alloc.h"

#include <ctype.h>
#include <stdlib.h>

#define OVERFLOW_ID 65534

static int parse_number(const char **s, uint32_t *ret)
{
    char *end;
    if (!isdigit((unsigned char)**s))
        return -EINVAL;
    errno = 0;
    unsigned long long v = strtoull(*s, &end, 10);
    if (errno || v > UINT32_MAX)
        return -EINVAL;
    *ret = (uint32_t)v;
    *s = end;
    return 0;
}

static int parse_range(const char **s, struct id_range *ret)
{
    uint32_t *const fields[] = {&ret->disk, &ret->shown, &ret->len};
    for (int i = 0; i < 3; i++) {
        if (i && *(*s)++ != ':')
            return -EINVAL;
        int r = parse_number(s, fields[i]);
        if (r < 0)
            return r;
    }
    bool beyond =
        (uint64_t)ret->disk + ret->len > UINT32_MAX || (uint64_t)ret->shown + ret->len > UINT32_MAX;
    return ret->len == 0 || beyond ? -EINVAL : 0;
}

int id_mapping_parse(const char *s, struct id_mapping *ret, struct err *err)
{
    struct id_mapping m = {0};
    size_t cap = 0;
    const char *p = s;
    for (;;) {
        grow_array(m.ranges, m.n, cap);
        int r = m.n < ID_MAPPING_MAX ? parse_range(&p, &m.ranges[m.n]) : -EINVAL;
        if (r == 0 && *p && *p != ':')
            r = -EINVAL;
        if (r < 0) {
            id_mapping_done(&m);
            return err_kind(err, ERR_USAGE, r, "invalid id mapping \"%s\": DISK:SHOWN:LEN wanted",
                            s);
        }
        m.n++;
        if (!*p++)
            break;
    }
    free(ret->ranges);
    ret->ranges = m.ranges;
    ret->n = m.n;
    return 0;
}

void id_mapping_done(struct id_mapping *m)
{
    free(m->ranges);
    *m = (struct id_mapping){0};
}

uint32_t id_to_shown(const struct id_mapping *m, uint32_t id)
{
    if (m->squash)
        return m->to;
    for (size_t i = 0; i < m->n; i++)
        if (id >= m->ranges[i].disk && id - m->ranges[i].disk < m->ranges[i].len)
            return m->ranges[i].shown + (id - m->ranges[i].disk);
    return m->n ? OVERFLOW_ID : id;
}

uint32_t id_to_disk(const struct id_mapping *m, uint32_t id)
{
    if (m->squash)
        return m->to;
    for (size_t i = 0; i < m->n; i++)
        if (id >= m->ranges[i].shown && id - m->ranges[i].shown < m->ranges[i].len)
            return m->ranges[i].disk + (id - m->ranges[i].shown);
    return m->n ? OVERFLOW_ID : id;
}
