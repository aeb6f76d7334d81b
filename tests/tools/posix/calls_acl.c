/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists, as the attributes that they are. */
#include "posix.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <sys/xattr.h>

/* As in linux/posix_acl_xattr.h and posix_acl.h. */
#define VERSION 2
#define NO_ID   UINT32_MAX
struct entry {
    uint16_t tag, perm;
    uint32_t id;
};
static const struct {
    const char *name;
    uint16_t tag;
    bool id;
} tags[] = {{"u::", 0x01, false}, {"u:", 0x02, true},   {"g::", 0x04, false},
            {"g:", 0x08, true},   {"m::", 0x10, false}, {"o::", 0x20, false}};

static const char *attribute(const char *which)
{
    return *which == 'd' ? "system.posix_acl_default" : "system.posix_acl_access";
}

/* One of "u::7", "u:5:4", "g::7", "g:5:4", "m::7", "o::7". */
static void parse(const char *text, struct buf *ret)
{
    for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
        size_t len = strlen(tags[i].name);
        if (strncmp(text, tags[i].name, len) != 0)
            continue;
        char *end = (char *)text + len;
        uint32_t id = tags[i].id ? (uint32_t)strtoul(end, &end, 10) : NO_ID;
        if (tags[i].id)
            end++;
        struct entry e = {htole16(tags[i].tag), htole16((uint16_t)atoi(end)), htole32(id)};
        buf_add(ret, &e, sizeof(e));
        return;
    }
    bad_argument("not an entry", text);
}

/* setacl PATH access|default ENTRY..., in the order of `tags` */
static int do_setacl(struct run *r, char **arg, int n, struct buf *ret)
{
    uint32_t version = htole32(VERSION);
    auto_buf list = {0};
    buf_add(&list, &version, sizeof(version));
    for (int i = 2; i < n; i++)
        parse(arg[i], &list);
    return result(setxattr(arg[0], attribute(arg[1]), list.data, list.len, 0));
}

static int do_getacl(struct run *r, char **arg, int n, struct buf *ret)
{
    char value[4096];
    struct entry e;
    ssize_t len = getxattr(arg[0], attribute(arg[1]), value, sizeof(value));
    for (ssize_t at = sizeof(uint32_t); at + (ssize_t)sizeof(e) <= len; at += sizeof(e)) {
        memcpy(&e, value + at, sizeof(e));
        for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
            if (le16toh(e.tag) != tags[i].tag)
                continue;
            buf_printf(ret, "%s%s", ret->len ? " " : "", tags[i].name);
            if (tags[i].id)
                buf_printf(ret, "%u:", le32toh(e.id));
            buf_printf(ret, "%u", le16toh(e.perm));
        }
    }
    return result(len);
}

static int do_dropacl(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(removexattr(arg[0], attribute(arg[1])));
}

const struct call calls_acl[] = {{"setacl", 3, 9, do_setacl},
                                 {"getacl", 2, 2, do_getacl},
                                 {"dropacl", 2, 2, do_dropacl},
                                 {NULL, 0, 0, NULL}};
