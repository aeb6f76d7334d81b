/* SPDX-License-Identifier: Apache-2.0 */
/* Owners, devices and access control lists: found, and told to the root's file server.
 *
 * Should: answer what the kernel would answer to a root with all ids, as far as it can be known.
 * Mustn't: change anything but what is recorded of an object in the container's own root. */
#include "runtime/emulate_internal.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* overlay-fuse/server_record.c */
#define RECORD        "security.wherry."
#define RECORD_OWNER  RECORD "owner"
#define RECORD_DEVICE RECORD "device"
#define RECORD_KEY    RECORD "key"

#ifndef ST_RDONLY
#define ST_RDONLY 1
#endif

/* Sets an attribute of what an O_PATH descriptor stands for, links included. Our working directory
 * is the monitor's /proc. */
static int record(int fd, const char *name, const void *value, size_t len, int flags)
{
    char path[32];
    snprintf(path, sizeof(path), "self/fd/%d", fd);
    return setxattr(path, name, value, len, flags) < 0 ? -errno : 0;
}

static int record_owner(int fd, uint32_t uid, uint32_t gid)
{
    char u[12] = "", g[12] = "", text[32];
    if (uid != UINT32_MAX)
        snprintf(u, sizeof(u), "%u", uid);
    if (gid != UINT32_MAX)
        snprintf(g, sizeof(g), "%u", gid);
    int n = snprintf(text, sizeof(text), "%s:%s", u, g);
    return record(fd, RECORD_OWNER, text, (size_t)n, 0);
}

static int find_chowned(const struct call *c)
{
    int flags;
    switch (c->what->op) {
    case OP_FCHOWN: return call_find_fd(c, (int)c->arg[0]);
    case OP_FCHOWNAT:
        flags = (int)c->arg[4];
        if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
            return -EINVAL;
        return call_find_by_address(c, (int)c->arg[0], c->arg[1], !(flags & AT_SYMLINK_NOFOLLOW),
                                    flags & AT_EMPTY_PATH);
    default: return call_find_by_address(c, AT_FDCWD, c->arg[0], c->what->op == OP_CHOWN, false);
    }
}

int64_t call_chown(struct call *c)
{
    struct statfs fs;
    int first = c->what->op == OP_FCHOWNAT ? 2 : 1;
    auto_close int fd = find_chowned(c);
    if (fd < 0)
        return fd;
    if (!call_valid(c))
        return -ESRCH;
    if (call_is_ours(c, fd))
        return record_owner(fd, call_id(c, c->arg[first]), call_id(c, c->arg[first + 1]));
    return fstatfs(fd, &fs) == 0 && fs.f_flags & ST_RDONLY ? -EROFS : 0;
}

/* The number as mknod() has it. */
static dev_t device_number(uint32_t dev)
{
    return makedev((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

/* By which the file server knows the request that makes a device of ours. 0: an error. */
static uint32_t device_key(struct emulator *e, int fd)
{
    char path[32], text[16] = "";
    snprintf(path, sizeof(path), "self/fd/%d", fd);
    if (!e->device_key && getxattr(path, RECORD_KEY, text, sizeof(text) - 1) > 0)
        e->device_key = (uint32_t)strtoul(text, NULL, 10);
    return e->device_key;
}

/* Announces it and has it made: as a regular file, which everybody may make. */
static int make_device(const struct call *c, int dir, const char *name, mode_t mode, dev_t dev)
{
    char text[NAME_MAX + 128];
    const struct ids *ids = call_ids(c);
    int mask = call_umask(c);
    uint32_t key = device_key(c->e, dir);
    if (!key)
        return -EIO;
    snprintf(text, sizeof(text), "%u %o %o %u %u %s-%u-%u %s", key, mode & 07777u,
             mask < 0 ? 022u : (unsigned)mask, ids->uid.fs, ids->gid.fs,
             S_ISBLK(mode) ? "block" : "char", major(dev), minor(dev), name);
    if (!call_valid(c))
        return -ESRCH;
    int r = record(dir, RECORD_DEVICE, text, strlen(text), 0);
    if (r < 0)
        return r;
    umask(key >> 9);
    if (mknodat(dir, name, S_IFREG | (key & 0777), 0) == 0)
        return 0;
    r = -errno;
    snprintf(text, sizeof(text), "%u", key);
    record(dir, RECORD_DEVICE, text, strlen(text), 0); /* there will be none */
    return r;
}

/* Splits a path behind its last slash; false where there is no name that could be made. */
static bool split(char *path, char name[static NAME_MAX + 1])
{
    char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0 || strlen(last) > NAME_MAX)
        return false;
    strcpy(name, last);
    strcpy(last, slash ? "" : ".");
    return true;
}

int64_t call_mknod(struct call *c)
{
    char path[PATH_MAX], name[NAME_MAX + 1];
    int at = c->what->op == OP_MKNODAT;
    mode_t mode = (mode_t)c->arg[at + 1];
    dev_t dev = device_number((uint32_t)c->arg[at + 2]);
    if (S_ISCHR(mode) && dev == 0)
        return CALL_CONTINUE; /* an overlay's whiteout, which everybody may make */
    int r = call_read_string(c, c->arg[at], path, sizeof(path));
    if (r < 0)
        return r;
    if (!split(path, name))
        return CALL_CONTINUE; /* an error, which the kernel knows best */
    auto_close int dir = call_find(c, at ? (int)c->arg[0] : AT_FDCWD, path, true);
    if (dir < 0)
        return dir;
    /* Elsewhere an object that is not what was asked for would be of no use to anybody. */
    return call_is_ours(c, dir) ? make_device(c, dir, name, mode, dev) : CALL_CONTINUE;
}

bool call_recorded_owner(int fd, uint32_t *ret_uid, uint32_t *ret_gid)
{
    char path[32], text[32] = "";
    snprintf(path, sizeof(path), "self/fd/%d", fd);
    return getxattr(path, RECORD_OWNER, text, sizeof(text) - 1) > 0 &&
           sscanf(text, "%u:%u", ret_uid, ret_gid) == 2;
}

/* --- access control lists -------------------------------------------------------------------- */

#define ACL_BYTES_MAX 4096

/* linux/posix_acl_xattr.h: a version, then entries of 8 bytes. */
struct entry {
    uint16_t tag, perm;
    uint32_t id;
} __attribute__((packed));

/* A list that the kernel would refuse, as it names an id that is not in the map. */
static bool names_others(const void *list, size_t len)
{
    enum { USER = 2, GROUP = 8 };
    const struct entry *e = (const void *)((const char *)list + sizeof(uint32_t));
    for (size_t n = len < sizeof(uint32_t) ? 0 : (len - sizeof(uint32_t)) / sizeof(*e); n > 0;
         n--, e++)
        if ((le16toh(e->tag) == USER || le16toh(e->tag) == GROUP) && e->id)
            return true;
    return false;
}

static int set_list(struct call *c, const char *alias, const void *list, size_t len)
{
    auto_close int fd =
        c->what->op == OP_FSETXATTR
            ? call_find_fd(c, (int)c->arg[0])
            : call_find_by_address(c, AT_FDCWD, c->arg[0], c->what->op == OP_SETXATTR, false);
    if (fd < 0)
        return fd;
    if (!call_valid(c))
        return -ESRCH;
    return call_is_ours(c, fd) ? record(fd, alias, list, len, (int)c->arg[4]) : 0;
}

int64_t call_setxattr(struct call *c)
{
    static const struct {
        const char *name, *alias;
    } lists[] = {{"system.posix_acl_access", RECORD "acl_access"},
                 {"system.posix_acl_default", RECORD "acl_default"}};
    char name[XATTR_NAME_MAX + 1], list[ACL_BYTES_MAX];
    size_t len = c->arg[3];
    int r = call_read_string(c, c->arg[1], name, sizeof(name));
    if (r < 0)
        return CALL_CONTINUE;
    if (strncmp(name, RECORD, strlen(RECORD)) == 0)
        return -EPERM; /* ours alone, whatever the container was given */
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        if (strcmp(name, lists[i].name) != 0)
            continue;
        if (len > sizeof(list) || call_read(c, c->arg[2], list, len) < 0 ||
            !names_others(list, len))
            return CALL_CONTINUE;
        return set_list(c, lists[i].alias, list, len);
    }
    return CALL_CONTINUE;
}
