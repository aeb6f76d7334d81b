/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists: between mode bits and lists. */
#include "overlay-fuse/acl.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

struct parts {
    struct acl_entry *user, *group, *mask, *other;
    size_t named;
};

static int take(struct acl_entry **place, struct acl_entry *e)
{
    if (*place)
        return -EINVAL;
    *place = e;
    return 0;
}

/* Finds the entries that stand for mode bits. */
static int split(void *acl, size_t len, struct parts *ret)
{
    struct parts p = {0};
    uint32_t version;
    if (len < sizeof(version) || (len - sizeof(version)) % sizeof(struct acl_entry) ||
        len > ACL_MAX)
        return -EINVAL;
    memcpy(&version, acl, sizeof(version));
    if (le32toh(version) != ACL_VERSION)
        return -EINVAL;
    struct acl_entry *e = (void *)((char *)acl + sizeof(version));
    size_t n = (len - sizeof(version)) / sizeof(*e);
    for (size_t i = 0; i < n; i++, e++) {
        int r = 0;
        if (le16toh(e->perm) & ~7)
            return -EINVAL;
        switch (le16toh(e->tag)) {
        case ACL_USER_OBJ: r = take(&p.user, e); break;
        case ACL_GROUP_OBJ: r = take(&p.group, e); break;
        case ACL_MASK: r = take(&p.mask, e); break;
        case ACL_OTHER: r = take(&p.other, e); break;
        case ACL_USER:
        case ACL_GROUP: p.named++; break;
        default: r = -EINVAL;
        }
        if (r < 0)
            return r;
    }
    if (!p.user || !p.group || !p.other || (p.named && !p.mask))
        return -EINVAL;
    *ret = p;
    return 0;
}

static mode_t perm(const struct acl_entry *e)
{
    return le16toh(e->perm);
}

int acl_to_mode(const void *acl, size_t len, mode_t *mode, bool *ret_minimal)
{
    struct parts p;
    int r = split((void *)acl, len, &p);
    if (r < 0)
        return r;
    mode_t group = perm(p.mask ? p.mask : p.group);
    *mode = (*mode & ~(mode_t)0777) | perm(p.user) << 6 | group << 3 | perm(p.other);
    *ret_minimal = !p.mask && !p.named;
    return 0;
}

int acl_chmod(void *acl, size_t len, mode_t mode)
{
    struct parts p;
    int r = split(acl, len, &p);
    if (r < 0)
        return r;
    p.user->perm = htole16(mode >> 6 & 7);
    (p.mask ? p.mask : p.group)->perm = htole16(mode >> 3 & 7);
    p.other->perm = htole16(mode & 7);
    return 0;
}

int acl_create(void *acl, size_t len, mode_t *mode, bool *ret_minimal)
{
    struct parts p;
    int r = split(acl, len, &p);
    if (r < 0)
        return r;
    struct acl_entry *group = p.mask ? p.mask : p.group;
    p.user->perm &= htole16(*mode >> 6 & 7);
    group->perm &= htole16(*mode >> 3 & 7);
    p.other->perm &= htole16(*mode & 7);
    *mode = (*mode & ~(mode_t)0777) | perm(p.user) << 6 | perm(group) << 3 | perm(p.other);
    *ret_minimal = !p.mask && !p.named;
    return 0;
}
