/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's root emulation has recorded (runtime/emulate.h).
 *
 * Theory of operation. In a user namespace with one id the kernel cannot name any other owner, and
 * every object shows as 0:0. The emulation answers chown(), mknod() and the like for the container
 * and tells us, through the mount, what is to be kept: it sets attributes whose names begin with
 * "security.wherry.", each of which is a request and none of which is an attribute.
 *
 *   owner                    "UID:GID", either may be empty: chown() of the object
 *   device                   "char-MAJOR-MINOR NAME" or "block-...": what the next regular file
 * made under that name in this directory is to be acl_access, acl_default  an access control list
 * that names ids which the kernel cannot
 *
 * The kernel lets nobody set a security. attribute who has not CAP_SYS_ADMIN in the user namespace
 * of the mount, which a container's processes do not have unless the user gave it to them. Whoever
 * has it can record what chown() would: owners, in the container's own writable layer.
 *
 * Of a device the kernel is told that it is the regular file which it asked for, and that this is
 * true for no time at all: it asks again when somebody uses the name, and finds a device. One
 * without any permission is not finished: rpm makes those and opens them, which a device on a mount
 * of a user's cannot be, to set owner and mode. It shows as a device when it has its mode. */
#include "overlay-fuse/server.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define PREFIX "security.wherry."

/* An id, or nothing: -1. */
static bool read_id(const char **s, uint32_t *ret)
{
    char *end;
    *ret = UINT32_MAX;
    if (!isdigit((unsigned char)**s))
        return true;
    unsigned long v = strtoul(*s, &end, 10);
    *s = end;
    *ret = (uint32_t)v;
    return v < UINT32_MAX;
}

static int set_owner(struct server *s, struct node *n, const char *text)
{
    uint32_t uid, gid;
    if (!read_id(&text, &uid) || *text++ != ':' || !read_id(&text, &gid) || *text)
        return -EINVAL;
    mode_t mode = n->v.mode;
    int r = node_chown(s->ov, n, uid, gid);
    if (r == 0)
        r = node_kill_privileges(s->ov, n, true);
    if (r == 0 && mode != n->v.mode)
        server_withdraw(s, n);
    return r;
}

static int set_device(struct server *s, struct node *n, const char *text)
{
    unsigned major, minor;
    char kind[8];
    int at = 0;
    s->device.dir = 0;
    if (!*text)
        return 0;
    if (sscanf(text, "%6[a-z]-%u-%u%n", kind, &major, &minor, &at) != 3 || text[at++] != ' ' ||
        !text[at] || strlen(text + at) >= sizeof(s->device.name))
        return -EINVAL;
    bool block = strcmp(kind, "block") == 0;
    if (!node_is_dir(n) || (!block && strcmp(kind, "char") != 0))
        return -EINVAL;
    s->device.dir = n->id;
    s->device.type = block ? S_IFBLK : S_IFCHR;
    s->device.rdev = makedev(major, minor);
    strcpy(s->device.name, text + at);
    return 0;
}

static int set_list(struct server *s, struct node *n, const char *name, const void *value,
                    size_t size, int flags)
{
    int r = node_setxattr(s->ov, n, name, value, size, flags);
    if (r == 0) /* the mode, and a list that the kernel remembers */
        server_withdraw(s, n);
    return r;
}

bool server_record_is(const struct server *s, const char *name)
{
    return s->o.single_id && strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

int server_record_set(struct server *s, struct node *n, const char *name, const void *value,
                      size_t size, int flags)
{
    char text[NAME_MAX + 64];
    name += strlen(PREFIX);
    if (strcmp(name, "acl_access") == 0)
        return set_list(s, n, ACL_ACCESS, value, size, flags);
    if (strcmp(name, "acl_default") == 0)
        return set_list(s, n, ACL_DEFAULT, value, size, flags);
    if (size >= sizeof(text) || memchr(value, 0, size))
        return -EINVAL;
    memcpy(text, value, size);
    text[size] = 0;
    if (strcmp(name, "owner") == 0)
        return set_owner(s, n, text);
    return strcmp(name, "device") == 0 ? set_device(s, n, text) : -EPERM;
}

ssize_t server_record_get(const struct node *n, const char *name, char *value, size_t size)
{
    char text[32];
    if (strcmp(name, PREFIX "owner") != 0)
        return -ENODATA;
    int len = snprintf(text, sizeof(text), "%u:%u", n->v.uid, n->v.gid);
    if (size && (size_t)len > size)
        return -ERANGE;
    if (size)
        memcpy(value, text, (size_t)len);
    return len;
}

bool server_record_device(struct server *s, uint64_t dir, const char *name, struct make *m)
{
    if (s->device.dir != dir || !S_ISREG(m->mode) || strcmp(s->device.name, name) != 0)
        return false;
    s->device.dir = 0;
    m->mode = s->device.type | (m->mode & 07777);
    m->rdev = s->device.rdev;
    return true;
}

void server_record_reveal(struct node *n)
{
    if (n->v.mode & 0777)
        n->disguised = false;
}

bool server_record_hides(const struct server *s, const char *name, const void *value, size_t size)
{
    if (!s->o.single_id || (strcmp(name, ACL_ACCESS) != 0 && strcmp(name, ACL_DEFAULT) != 0))
        return false;
    const struct acl_entry *e = (const void *)((const char *)value + sizeof(uint32_t));
    for (size_t n = size / sizeof(*e); n > 0; n--, e++)
        if ((le16toh(e->tag) == ACL_USER || le16toh(e->tag) == ACL_GROUP) && e->id)
            return true;
    return false;
}
