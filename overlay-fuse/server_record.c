/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's root emulation has recorded (runtime/emulate.h).
 *
 * Theory of operation. In a user namespace with one id the kernel cannot name any other owner, and
 * every object shows as 0:0. The emulation answers chown(), mknod() and the like for the container
 * and tells us, through the mount, what is to be kept: it sets attributes whose names begin with
 * "security.wherry.", each of which is a request and none of which is an attribute.
 *
 *   owner                    "UID:GID", either may be empty: chown() of the object
 *   device                   "KEY MODE UMASK UID GID char-MAJOR-MINOR NAME" or "block-...": what
 * the regular file is to be that is made under that name in this directory with the key; "KEY"
 * alone: it will not be made acl_access, acl_default  an access control list that names ids which
 * the kernel cannot key                      read: a key of the reader's own
 *
 * Several supervisors and anybody else make objects in a directory at once, so the request that
 * makes a device bears its key: in the bits of its mode and its umask, which are not needed there.
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

#include "base/alloc.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define PREFIX "security.wherry."

enum {
    KEY_MAX = (1 << 18) - 1, /* what a mode and a umask hold */
    DEVICES_MAX = 64,        /* supervisors between two system calls */
};

/* A device that is about to be made. */
struct announced {
    uint32_t key;
    uint64_t dir;
    mode_t mode, umask;
    uid_t uid;
    gid_t gid;
    dev_t rdev;
    char name[NAME_MAX + 1];
};

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

static void forget_device(struct server *s, size_t i)
{
    s->n_devices--;
    memmove(&s->devices[i], &s->devices[i + 1], (s->n_devices - i) * sizeof(*s->devices));
}

static int set_device(struct server *s, struct node *n, const char *text)
{
    struct announced d = {.dir = n->id};
    unsigned major, minor;
    char kind[8];
    int at = 0;
    int fields = sscanf(text, "%u %o %o %u %u %6[a-z]-%u-%u%n", &d.key, &d.mode, &d.umask, &d.uid,
                        &d.gid, kind, &major, &minor, &at);
    if (fields != 1 && (fields != 8 || text[at++] != ' ' || !text[at] ||
                        strlen(text + at) >= sizeof(d.name) || !node_is_dir(n)))
        return -EINVAL;
    for (size_t i = s->n_devices; i-- > 0;)
        if (s->devices[i].key == d.key)
            forget_device(s, i);
    if (fields == 1)
        return 0;
    bool block = strcmp(kind, "block") == 0;
    if (!block && strcmp(kind, "char") != 0)
        return -EINVAL;
    d.mode = (d.mode & 07777) | (block ? S_IFBLK : S_IFCHR);
    d.rdev = makedev(major, minor);
    strcpy(d.name, text + at);
    if (!s->devices)
        s->devices = xcalloc(DEVICES_MAX, sizeof(*s->devices));
    if (s->n_devices == DEVICES_MAX) /* of supervisors that died */
        forget_device(s, 0);
    s->devices[s->n_devices++] = d;
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

ssize_t server_record_get(struct server *s, const struct node *n, const char *name, char *value,
                          size_t size)
{
    char text[32];
    int len;
    if (strcmp(name, PREFIX "owner") == 0) {
        len = snprintf(text, sizeof(text), "%u:%u", n->v.uid, n->v.gid);
    } else if (strcmp(name, PREFIX "key") == 0) {
        s->last_key = s->last_key % KEY_MAX + 1;
        len = snprintf(text, sizeof(text), "%u", s->last_key);
    } else {
        return -ENODATA;
    }
    if (size && (size_t)len > size)
        return -ERANGE;
    if (size)
        memcpy(value, text, (size_t)len);
    return len;
}

bool server_record_device(struct server *s, uint64_t dir, const char *name, struct make *m,
                          mode_t *umask)
{
    uint32_t key = (m->mode & 0777) | (*umask & 0777) << 9;
    for (size_t i = 0; i < s->n_devices && S_ISREG(m->mode); i++) {
        const struct announced *d = &s->devices[i];
        if (d->key != key || d->dir != dir || strcmp(d->name, name) != 0)
            continue;
        m->mode = d->mode;
        m->rdev = d->rdev;
        m->uid = d->uid;
        m->gid = d->gid;
        *umask = d->umask;
        forget_device(s, i);
        return true;
    }
    return false;
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
