/* SPDX-License-Identifier: Apache-2.0 */
/* Who the container's command runs as, from the image's own passwd and group.
 *
 * Should: understand well-formed lines and skip others; end in bounded time and memory whatever
 * the image put there. Mustn't: use NSS or the host's tables. */
#include "runtime/user.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/safepath.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LIMIT (1024 * 1024)
#define MAX_FIELDS 7

/* One line, cut at the colons; the fields point into the text and are not terminated. */
struct row {
    struct field {
        const char *s;
        size_t len;
    } f[MAX_FIELDS];
    size_t n;
};

/* Cuts the line at *p and moves on; false at the end of the text. */
static bool row_next(const char **p, struct row *ret)
{
    if (!**p)
        return false;
    *ret = (struct row){0};
    const char *end = strchrnul(*p, '\n'), *s = *p;
    while (ret->n < MAX_FIELDS) {
        const char *colon = memchr(s, ':', (size_t)(end - s));
        const char *stop = colon ? colon : end;
        ret->f[ret->n].s = s;
        ret->f[ret->n++].len = (size_t)(stop - s);
        if (!colon)
            break;
        s = colon + 1;
    }
    *p = *end ? end + 1 : end;
    return true;
}

static bool field_is(const struct field *f, const char *s, size_t len)
{
    return f->len == len && memcmp(f->s, s, len) == 0;
}

/* A decimal id. The kernel's limit is 2^32 - 2; docker and podman stop at 2^31 - 1, and so do we.
 * Returns 1, 0 when it is no number, -1 when it is one beyond the limit. */
static int id_parse(const char *s, size_t len, uint32_t *ret)
{
    uint64_t v = 0;
    size_t i = len && *s == '-' ? 1 : 0;
    bool negative = i;
    if (i == len)
        return 0;
    for (; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return 0;
        if (v <= INT32_MAX)
            v = v * 10 + (uint64_t)(s[i] - '0');
    }
    if (negative || v > INT32_MAX)
        return -1;
    *ret = (uint32_t)v;
    return 1;
}

/* The first passwd row whose name is `s`, else whose uid is `id` (when numeric). */
static bool passwd_find(const char *text, const char *s, size_t len, bool numeric, uint32_t id,
                        struct row *ret)
{
    struct row row;
    uint32_t uid, gid;
    bool found = false;
    while (row_next(&text, &row)) {
        if (row.n < 4 || !row.f[0].len || id_parse(row.f[2].s, row.f[2].len, &uid) != 1 ||
            id_parse(row.f[3].s, row.f[3].len, &gid) != 1)
            continue;
        if (field_is(&row.f[0], s, len)) {
            *ret = row;
            return true;
        }
        if (!found && numeric && uid == id) {
            *ret = row;
            found = true;
        }
    }
    return found;
}

static bool group_find(const char *text, const char *s, size_t len, uint32_t *ret)
{
    struct row row;
    uint32_t gid;
    while (row_next(&text, &row))
        if (row.n >= 3 && field_is(&row.f[0], s, len) &&
            id_parse(row.f[2].s, row.f[2].len, &gid) == 1) {
            *ret = gid;
            return true;
        }
    return false;
}

static bool is_member(const struct field *members, const struct field *name)
{
    const char *p = members->s, *end = members->s + members->len;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;
        if (field_is(name, p, (size_t)(stop - p)))
            return true;
        p = stop + 1;
    }
    return false;
}

static void add_group(struct user *u, uint32_t gid)
{
    for (size_t i = 0; i < u->n_groups; i++)
        if (u->groups[i] == gid)
            return;
    if (u->n_groups < USER_GROUPS_MAX)
        u->groups[u->n_groups++] = gid;
}

static void add_memberships(struct user *u, const char *group, const struct field *name)
{
    struct row row;
    uint32_t gid;
    while (row_next(&group, &row))
        if (row.n >= 4 && id_parse(row.f[2].s, row.f[2].len, &gid) == 1 &&
            is_member(&row.f[3], name))
            add_group(u, gid);
}

static int resolve_group(const char *s, const char *group, uint32_t *ret, struct err *err)
{
    size_t len = strlen(s);
    uint32_t gid;
    int number = id_parse(s, len, &gid);
    if (number < 0)
        return err_set(err, -ERANGE, "invalid group id \"%.64s\"", s);
    if (!group_find(group, s, len, &gid) && number != 1)
        return err_set(err, -ENOENT, "unable to find group \"%.64s\" in the image's /etc/group", s);
    *ret = gid;
    return 0;
}

bool user_group_known(const char *group, uint32_t gid)
{
    struct row row;
    uint32_t id;
    while (row_next(&group, &row))
        if (row.n >= 3 && id_parse(row.f[2].s, row.f[2].len, &id) == 1 && id == gid)
            return true;
    return false;
}

int user_add_group(struct user *u, const char *spec, const char *group, struct err *err)
{
    uint32_t gid;
    int r = resolve_group(spec, group, &gid, err);
    if (r == 0)
        add_group(u, gid);
    return r;
}

int user_resolve(const char *spec, const char *passwd, const char *group, struct user *ret,
                 struct err *err)
{
    struct user u = {0};
    struct row row;
    size_t len = strcspn(spec, ":");
    const char *group_spec = spec[len] ? spec + len + 1 : "";
    const char *name = len ? spec : "0";
    len = len ? len : 1;
    if (strchr(group_spec, ':') || strlen(spec) > 256)
        return err_set(err, -EINVAL, "invalid user \"%.64s\": want USER or USER:GROUP", spec);
    int number = id_parse(name, len, &u.uid);
    if (number < 0)
        return err_set(err, -ERANGE, "invalid user id \"%.64s\"", spec);
    if (passwd_find(passwd, name, len, number == 1, u.uid, &row)) {
        id_parse(row.f[2].s, row.f[2].len, &u.uid);
        id_parse(row.f[3].s, row.f[3].len, &u.gid);
        u.found = true;
        if (row.n >= 6 && row.f[5].len < sizeof(u.home))
            memcpy(u.home, row.f[5].s, row.f[5].len);
        if (!*group_spec)
            add_memberships(&u, group, &row.f[0]);
    } else if (number != 1) {
        return err_set(err, -ENOENT, "unable to find user \"%.*s\" in the image's /etc/passwd",
                       (int)(len < 64 ? len : 64), name);
    }
    if (*group_spec) {
        int r = resolve_group(group_spec, group, &u.gid, err);
        if (r < 0)
            return r;
    }
    *ret = u;
    return 0;
}

int user_file_read(int rootfd, const char *path, char **ret, struct err *err)
{
    /* O_NONBLOCK: a FIFO must not hold us up before fstat has told what it is. */
    auto_close int fd = safe_open(rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd == -ENOENT || fd == -ENOTDIR) {
        *ret = xstrdup("");
        return 0;
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, fd < 0 ? fd : -errno, "the image's %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "the image's %s is not a regular file", path);
    auto_buf text = {0};
    int r = file_read_fd(fd, FILE_LIMIT, &text, err);
    if (r < 0)
        return err_set(err, r, "the image's %s is larger than 1 MiB or unreadable", path);
    *ret = xstrdup(buf_str(&text)); /* stops at a NUL byte, as a text should */
    return 0;
}
