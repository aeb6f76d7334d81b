/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists that a tar has as text. */
#include "overlay-fuse/index_acl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NO_ID UINT32_MAX

/* As libarchive says it. */
struct line {
    int type, perm, tag, id;
    const char *name;
};

static bool next_line(struct archive_entry *e, int type, struct line *ret)
{
    return archive_entry_acl_next(e, type, &ret->type, &ret->perm, &ret->tag, &ret->id,
                                  &ret->name) == ARCHIVE_OK;
}

static uint16_t tag_of(const struct line *l)
{
    switch (l->tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ: return ACL_USER_OBJ;
    case ARCHIVE_ENTRY_ACL_USER: return ACL_USER;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ: return ACL_GROUP_OBJ;
    case ARCHIVE_ENTRY_ACL_GROUP: return ACL_GROUP;
    case ARCHIVE_ENTRY_ACL_MASK: return ACL_MASK;
    case ARCHIVE_ENTRY_ACL_OTHER: return ACL_OTHER;
    default: return 0;
    }
}

static uint16_t perm_of(const struct line *l)
{
    return (uint16_t)((l->perm & ARCHIVE_ENTRY_ACL_READ ? 4 : 0) |
                      (l->perm & ARCHIVE_ENTRY_ACL_WRITE ? 2 : 0) |
                      (l->perm & ARCHIVE_ENTRY_ACL_EXECUTE ? 1 : 0));
}

static int add_line(const struct line *l, struct index_names *names, struct acl_entry *ret)
{
    uint16_t tag = tag_of(l);
    bool named = tag == ACL_USER || tag == ACL_GROUP;
    uint32_t id = NO_ID;
    if (!tag)
        return -EINVAL;
    if (named && l->id >= 0)
        id = (uint32_t)l->id;
    else if (named && (!l->name || !index_names_find(names, tag == ACL_GROUP, l->name, &id)))
        return -ENOENT;
    *ret = (struct acl_entry){htole16(tag), htole16(perm_of(l)), htole32(id)};
    return 0;
}

/* The kernel insists on the order of tags; that of ids makes the same list the same bytes. */
static int by_tag(const void *a, const void *b)
{
    const struct acl_entry *x = a, *y = b;
    int r = (le16toh(x->tag) > le16toh(y->tag)) - (le16toh(x->tag) < le16toh(y->tag));
    return r ? r : (le32toh(x->id) > le32toh(y->id)) - (le32toh(x->id) < le32toh(y->id));
}

size_t index_acl_list(struct archive_entry *e, int type, struct index_names *names,
                      uint8_t room[static ACL_MAX])
{
    const uint32_t version = htole32(ACL_VERSION);
    struct acl_entry *entries = (void *)(room + sizeof(version));
    const size_t max = (ACL_MAX - sizeof(version)) / sizeof(*entries);
    struct line l;
    size_t n = 0;
    archive_entry_acl_reset(e, type);
    while (next_line(e, type, &l)) {
        if (l.type != type)
            continue;
        if (n == max || add_line(&l, names, &entries[n]) < 0)
            return 0;
        n++;
    }
    memcpy(room, &version, sizeof(version));
    qsort(entries, n, sizeof(*entries), by_tag);
    mode_t mode = 0;
    bool minimal;
    size_t len = sizeof(version) + n * sizeof(*entries);
    if (acl_to_mode(room, len, &mode, &minimal) < 0)
        return 0;
    return minimal && type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS ? 0 : len; /* no more than the mode */
}

mode_t index_acl_mode(struct archive_entry *e)
{
    mode_t mode = archive_entry_perm(e); /* with the group's own bits */
    struct line l;
    archive_entry_acl_reset(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
    while (next_line(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &l))
        if (l.tag == ARCHIVE_ENTRY_ACL_MASK)
            mode &= ~(mode_t)0070 | (mode_t)perm_of(&l) << 3;
    return mode;
}
