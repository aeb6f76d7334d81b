/* SPDX-License-Identifier: Apache-2.0 */
/* --chown and --chmod of COPY and ADD. */
#include "engine/build_copy.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "runtime/user.h"

#include <stdlib.h>
#include <string.h>

#define DATABASE_MAX (1u << 20) /* as runtime/user.h: an image's passwd may be of any size */

/* A text file of the overlay; missing, or not a regular file: empty. */
static int read_text(struct overlay *ov, const char *path, struct buf *ret, struct err *err)
{
    struct stat st;
    int r = overlay_stat(ov, path, 0, &st);
    if (r < 0 || !S_ISREG(st.st_mode))
        return 0;
    if ((uint64_t)st.st_size > DATABASE_MAX)
        return err_set(err, -EFBIG, "%s of the image is larger than %u bytes", path, DATABASE_MAX);
    buf_reserve(ret, (size_t)st.st_size);
    ssize_t n = overlay_read(ov, path, ret->data, (size_t)st.st_size, 0);
    if (n < 0)
        return err_errno(err, (int)n, "read %s of the image", path);
    ret->len = (size_t)n;
    ret->data[n] = 0;
    return 0;
}

int copy_resolve_owner(struct overlay *ov, const char *spec, uid_t *ret_uid, gid_t *ret_gid,
                       struct err *err)
{
    auto_buf passwd = {0}, group = {0};
    int r = read_text(ov, "/etc/passwd", &passwd, err);
    if (r == 0)
        r = read_text(ov, "/etc/group", &group, err);
    auto_free struct user *user = new0(struct user);
    if (r == 0)
        r = user_resolve(spec, buf_str(&passwd), buf_str(&group), user, err);
    if (r < 0)
        return r;
    bool lone_number = !strchr(spec, ':') && strspn(spec, "0123456789") == strlen(spec);
    *ret_uid = user->uid;
    *ret_gid = lone_number ? user->uid : user->gid;
    return 0;
}

/* The bits that "rwxXst" stand for, for those whom `who` (a mask of 0700, 0070, 0007) names. */
static mode_t permission_bits(char c, mode_t who, mode_t mode, bool is_dir)
{
    switch (c) {
    case 'r': return who & 0444;
    case 'w': return who & 0222;
    case 'x': return who & 0111;
    case 'X': return is_dir || (mode & 0111) ? who & 0111 : 0;
    case 's': return (who & 0700 ? 04000 : 0) | (who & 0070 ? 02000 : 0);
    case 't': return 01000;
    }
    return 0;
}

/* One clause "ugo+rwx"; returns what follows it. */
static const char *apply_clause(const char *p, mode_t *mode, bool is_dir)
{
    mode_t who = 0;
    for (; *p && strchr("ugoa", *p); p++)
        who |= *p == 'u' ? 0700 : *p == 'g' ? 0070 : *p == 'o' ? 0007 : 0777;
    if (!who)
        who = 0777;
    while (*p && strchr("+-=", *p)) {
        char op = *p++;
        mode_t bits = 0;
        for (; *p && !strchr("+-=,", *p); p++)
            bits |= permission_bits(*p, who, *mode, is_dir);
        if (op == '=')
            *mode &= ~(who | (who & 0700 ? 04000 : 0) | (who & 0070 ? 02000 : 0));
        *mode = op == '-' ? *mode & ~bits : *mode | bits;
    }
    return p;
}

mode_t copy_mode(const char *chmod, mode_t mode, bool is_dir)
{
    if (*chmod >= '0' && *chmod <= '7')
        return (mode_t)strtoul(chmod, NULL, 8) & 07777;
    for (const char *p = chmod; *p;) {
        const char *next = apply_clause(p, &mode, is_dir);
        p = *next == ',' ? next + 1 : next;
        if (next == p && *p)
            break; /* the parser let nothing else through */
    }
    return mode;
}
