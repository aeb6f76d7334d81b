/* SPDX-License-Identifier: Apache-2.0 */
/* The writable layer's format on disk. */
#include "overlay-fuse/upper.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define PROC_ROOM 32 /* "/proc/self/fd/2147483647/" */

static bool has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

void upath_start(struct upath *p, struct journal *journal)
{
    p->journal = journal;
    p->follow = false;
    p->fd = -1;
    p->room[sizeof(p->room) - 1] = 0;
    p->rel = p->room + sizeof(p->room) - 1;
}

int upath_prepend(struct upath *p, const char *name, size_t len)
{
    size_t left = (size_t)(p->rel - p->room), slash = *p->rel != 0;
    if (left < len + slash + PROC_ROOM)
        return -ENAMETOOLONG;
    char *at = (char *)p->rel - len - slash;
    memcpy(at, name, len);
    if (slash)
        at[len] = '/';
    p->rel = at;
    return 0;
}

void upath_done(struct upath *p, int dirfd)
{
    char prefix[PROC_ROOM];
    if (!*p->rel)
        upath_prepend(p, ".", 1);
    int n = snprintf(prefix, sizeof(prefix), "/proc/self/fd/%d/", dirfd);
    char *at = (char *)p->rel - n;
    memcpy(at, prefix, (size_t)n);
    p->full = at;
    p->dirfd = dirfd;
}

void upath_at(struct upath *p, int dirfd, const char *name, struct journal *journal)
{
    upath_start(p, journal);
    upath_prepend(p, name, strlen(name));
    upath_done(p, dirfd);
}

void upath_fd(struct upath *p, int fd, bool path_only, struct journal *journal)
{
    p->journal = journal;
    p->fd = path_only ? -1 : fd;
    snprintf(p->room, sizeof(p->room), "/proc/self/fd/%d", fd);
    p->rel = p->full = p->room;
    p->dirfd = AT_FDCWD;
    p->follow = true;
}

int upath_stat(const struct upath *p, struct stat *ret)
{
    if (p->fd >= 0)
        return fstat(p->fd, ret) < 0 ? -errno : 0;
    return fstatat(p->dirfd, p->rel, ret, p->follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int upath_utimens(const struct upath *p, const struct timespec t[2])
{
    int r = p->fd >= 0 ? futimens(p->fd, t)
                       : utimensat(p->dirfd, p->rel, t, p->follow ? 0 : AT_SYMLINK_NOFOLLOW);
    return r < 0 ? -errno : 0;
}

/* --- extended attributes: on the object, or in the journal --------------------------------- */

/* The number that the journal knows the object by. */
static int number(const struct upath *p, uint64_t *ret)
{
    struct stat st;
    int r = upath_stat(p, &st);
    if (r == 0)
        *ret = st.st_ino;
    return r;
}

static ssize_t get_journalled(const struct upath *p, const char *name, void *value, size_t size)
{
    uint64_t ino = 0;
    int r = number(p, &ino);
    return r < 0 ? r : journal_get(p->journal, ino, name, value, size);
}

static int set_journalled(const struct upath *p, const char *name, const void *value, size_t size,
                          int flags)
{
    uint64_t ino = 0;
    int r = number(p, &ino);
    return r < 0 ? r : journal_set(p->journal, ino, name, value, size, flags);
}

static int remove_journalled(const struct upath *p, const char *name)
{
    uint64_t ino = 0;
    int r = number(p, &ino);
    return r < 0 ? r : journal_remove(p->journal, ino, name);
}

static int list_journalled(const struct upath *p, struct buf *ret)
{
    uint64_t ino = 0;
    int r = number(p, &ino);
    return r < 0 ? r : journal_list(p->journal, ino, ret);
}

ssize_t upath_getxattr(const struct upath *p, const char *name, void *value, size_t size)
{
    if (p->journal)
        return get_journalled(p, name, value, size);
    ssize_t n = p->fd >= 0  ? fgetxattr(p->fd, name, value, size)
                : p->follow ? getxattr(p->full, name, value, size)
                            : lgetxattr(p->full, name, value, size);
    return n < 0 ? -errno : n;
}

int upath_setxattr(const struct upath *p, const char *name, const void *value, size_t size,
                   int flags)
{
    if (p->journal)
        return set_journalled(p, name, value, size, flags);
    int r = p->fd >= 0  ? fsetxattr(p->fd, name, value, size, flags)
            : p->follow ? setxattr(p->full, name, value, size, flags)
                        : lsetxattr(p->full, name, value, size, flags);
    return r < 0 ? -errno : 0;
}

int upath_removexattr(const struct upath *p, const char *name)
{
    if (p->journal)
        return remove_journalled(p, name);
    int r = p->fd >= 0  ? fremovexattr(p->fd, name)
            : p->follow ? removexattr(p->full, name)
                        : lremovexattr(p->full, name);
    return r < 0 ? -errno : 0;
}

static ssize_t list_names(const struct upath *p, char *names, size_t room)
{
    return p->fd >= 0  ? flistxattr(p->fd, names, room)
           : p->follow ? listxattr(p->full, names, room)
                       : llistxattr(p->full, names, room);
}

int upath_listxattr(const struct upath *p, struct buf *ret)
{
    if (p->journal)
        return list_journalled(p, ret);
    for (size_t room = 1024;; room *= 4) {
        buf_reserve(ret, room);
        char *at = ret->data + ret->len;
        ssize_t n = list_names(p, at, room);
        if (n < 0 && errno == ERANGE && room < 1 << 20)
            continue;
        if (n < 0)
            return errno == EOPNOTSUPP ? 0 : -errno;
        ret->len += (size_t)n;
        ret->data[ret->len] = 0;
        return 0;
    }
}

/* "file", "dir", "symlink", "pipe", "socket", "block-M-m", "char-M-m". */
static int parse_type(const char *s, struct vattr *v)
{
    static const struct {
        const char *name;
        mode_t type;
    } types[] = {{"file", S_IFREG},
                 {"dir", S_IFDIR},
                 {"symlink", S_IFLNK},
                 {"pipe", S_IFIFO},
                 {"socket", S_IFSOCK}};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(s, types[i].name) == 0) {
            v->mode |= types[i].type;
            return 0;
        }
    unsigned major, minor;
    int end = 0;
    if (sscanf(s, "block-%u-%u%n", &major, &minor, &end) == 2 && !s[end])
        v->mode |= S_IFBLK;
    else if (sscanf(s, "char-%u-%u%n", &major, &minor, &end) == 2 && !s[end])
        v->mode |= S_IFCHR;
    else
        return -EIO;
    v->rdev = makedev(major, minor);
    return 0;
}

static int parse_override(const char *text, mode_t disk_type, struct vattr *ret, bool *ret_typed)
{
    struct vattr v = {0};
    unsigned uid, gid, mode;
    int end = 0;
    if (sscanf(text, "%u:%u:%o%n", &uid, &gid, &mode, &end) != 3)
        return -EIO;
    v.uid = uid;
    v.gid = gid;
    v.mode = mode & 07777;
    if (text[end] == ':') {
        int r = parse_type(text + end + 1, &v);
        if (r < 0)
            return r;
    } else if (text[end]) {
        return -EIO;
    } else {
        v.mode |= disk_type;
    }
    *ret_typed = (v.mode & S_IFMT) != disk_type;
    if (*ret_typed && (disk_type != S_IFREG || S_ISDIR(v.mode)))
        return -EIO;
    *ret = v;
    return 0;
}

static bool has_opaque_file(const struct upath *p)
{
    auto_close int dir = openat(p->dirfd, p->rel, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0 && exists_at(dir, UPPER_OPAQUE_FILE);
}

static int read_override(const struct upath *p, struct upper_object *o)
{
    char text[128];
    ssize_t n = upath_getxattr(p, UPPER_OVERRIDE, text, sizeof(text) - 1);
    if (n == -ENODATA)
        return 0;
    if (n < 0)
        return (int)n;
    text[n] = 0;
    o->has_override = true;
    return parse_override(text, o->st.st_mode & S_IFMT, &o->v, &o->typed);
}

static bool is_opaque_name(const char *s)
{
    return strcmp(s, UPPER_OPAQUE) == 0 || strcmp(s, "trusted.overlay.opaque") == 0 ||
           strcmp(s, "user.fuseoverlayfs.opaque") == 0;
}

static int read_flags(const struct upath *p, const struct buf *names, enum upper_style style,
                      struct upper_object *o)
{
    const char *acl =
        style == UPPER_REAL ? "system.posix_acl_default" : UPPER_ESCAPE "system.posix_acl_default";
    char text[32];
    for (const char *s = names->data; s < names->data + names->len; s += strlen(s) + 1) {
        if (is_opaque_name(s)) {
            ssize_t n = upath_getxattr(p, s, text, sizeof(text));
            o->opaque |= n == 1 && text[0] == 'y';
        } else if (strcmp(s, style == UPPER_REAL ? UPPER_REAL_INO : UPPER_INO) == 0) {
            ssize_t n = upath_getxattr(p, s, text, sizeof(text) - 1);
            text[n < 0 ? 0 : n] = 0;
            o->ino = strtoull(text, NULL, 10);
        } else if (strcmp(s, UPPER_META) == 0) {
            o->meta = style == UPPER_VIRTUAL;
        } else if (strcmp(s, acl) == 0) {
            o->default_acl = true;
        } else if (strcmp(s, UPPER_OVERRIDE) == 0 && style == UPPER_VIRTUAL) {
            int r = read_override(p, o);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int upper_read(const struct upath *p, enum upper_style style, struct upper_object *ret)
{
    struct upper_object o = {0};
    int r = upath_stat(p, &o.st);
    if (r < 0)
        return r;
    o.v.mode = o.st.st_mode & (S_IFMT | 0777);
    if (style == UPPER_REAL) {
        o.v = (struct vattr){
            .mode = o.st.st_mode, .uid = o.st.st_uid, .gid = o.st.st_gid, .rdev = o.st.st_rdev};
        o.opaque = S_ISDIR(o.st.st_mode) && has_opaque_file(p);
    }
    if (S_ISREG(o.st.st_mode) || S_ISDIR(o.st.st_mode)) {
        char room[512];
        ssize_t n = p->journal ? -1 : list_names(p, room, sizeof(room));
        if (n > 0) {
            struct buf names = {.data = room, .len = (size_t)n};
            r = read_flags(p, &names, style, &o);
        } else if (n < 0) { /* many attributes, or elsewhere */
            auto_buf names = {0};
            r = upath_listxattr(p, &names);
            if (r == 0)
                r = read_flags(p, &names, style, &o);
        }
    }
    if (r == 0)
        *ret = o;
    return r;
}

mode_t upper_disk_mode(const struct vattr *v, enum upper_style style)
{
    if (style == UPPER_REAL)
        return v->mode & 07777;
    return (v->mode & 0777) | (S_ISDIR(v->mode) ? 0700 : 0600);
}

static void format_override(const struct vattr *v, bool typed, char out[static 128])
{
    int n = snprintf(out, 128, "%u:%u:%o", v->uid, v->gid, v->mode & 07777);
    if (!typed)
        return;
    const char *name = S_ISLNK(v->mode) ? "symlink" : S_ISFIFO(v->mode) ? "pipe" : "socket";
    if (S_ISBLK(v->mode) || S_ISCHR(v->mode))
        snprintf(out + n, 128 - (size_t)n, ":%s-%u-%u", S_ISBLK(v->mode) ? "block" : "char",
                 major(v->rdev), minor(v->rdev));
    else
        snprintf(out + n, 128 - (size_t)n, ":%s", name);
}

static int set_override(const struct upath *p, const struct vattr *v, bool typed)
{
    char text[128];
    format_override(v, typed, text);
    return upath_setxattr(p, UPPER_OVERRIDE, text, strlen(text), 0);
}

static int set_disk_mode(const struct upath *p, mode_t mode)
{
    int r = p->fd >= 0 ? fchmod(p->fd, mode) : fchmodat(p->dirfd, p->rel, mode, 0);
    return r < 0 ? -errno : 0;
}

int upath_changed(const struct upath *p)
{
    struct stat st;
    if (!p->journal)
        return 0;
    int r = upath_stat(p, &st);
    return r < 0 ? r : set_disk_mode(p, st.st_mode & 07777);
}

bool upper_needs_typed(const struct vattr *v, bool has_xattrs, enum upper_style style)
{
    if (style == UPPER_REAL || S_ISREG(v->mode) || S_ISDIR(v->mode))
        return false;
    return !S_ISLNK(v->mode) || v->uid || v->gid || has_xattrs;
}

static bool plain_link(const struct vattr *v, bool typed)
{
    return S_ISLNK(v->mode) && !typed; /* nothing about it differs from a real one */
}

/* Owner and mode of the object itself. A change of owner takes set-user-ID away, so it comes first;
 * so does what was written since `st`. */
static int set_real(const struct upath *p, const struct vattr *v, const struct stat *st)
{
    bool owner = st->st_uid != v->uid || st->st_gid != v->gid;
    if (owner) {
        int r = p->fd >= 0 ? fchown(p->fd, v->uid, v->gid)
                           : fchownat(p->dirfd, p->rel, v->uid, v->gid,
                                      p->follow ? 0 : AT_SYMLINK_NOFOLLOW);
        if (r < 0)
            return -errno;
    }
    bool fragile = v->mode & (S_ISUID | S_ISGID);
    if (S_ISLNK(v->mode) || (!owner && !fragile && (st->st_mode & 07777) == (v->mode & 07777)))
        return 0;
    return set_disk_mode(p, v->mode & 07777);
}

static bool needs_override(const struct vattr *v, bool typed)
{
    return typed || v->uid || v->gid || (v->mode & 07777) != upper_disk_mode(v, UPPER_VIRTUAL);
}

int upper_set_attr(const struct upath *p, const struct vattr *v, enum upper_style style, bool typed,
                   bool force)
{
    if (style == UPPER_VIRTUAL && plain_link(v, typed))
        return 0;
    mode_t disk = upper_disk_mode(v, style);
    struct stat st;
    int r = upath_stat(p, &st);
    if (r < 0)
        return r;
    if (style == UPPER_REAL)
        return set_real(p, v, &st);
    if (force || needs_override(v, typed)) {
        r = set_override(p, v, typed);
    } else {
        r = upath_removexattr(p, UPPER_OVERRIDE);
        if (r == -ENODATA)
            r = 0;
    }
    if (r == 0 && ((st.st_mode & 07777) != disk || p->journal)) /* see upath_changed() */
        r = set_disk_mode(p, disk);
    return r;
}

int upper_set_new_attr(const struct upath *p, const struct vattr *v, enum upper_style style,
                       bool typed, const struct stat *st)
{
    int r = p->journal ? journal_clear(p->journal, st->st_ino) : 0;
    if (r < 0)
        return r;
    if (style == UPPER_REAL)
        return set_real(p, v, st);
    if (plain_link(v, typed))
        return 0;
    mode_t disk = upper_disk_mode(v, style);
    r = needs_override(v, typed) ? set_override(p, v, typed) : 0;
    if (r == 0 && (st->st_mode & 07777) != disk)
        r = set_disk_mode(p, disk);
    return r;
}

int upper_set_ino(const struct upath *p, enum upper_style style, uint64_t ino)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)ino);
    if (style == UPPER_VIRTUAL)
        return upath_setxattr(p, UPPER_INO, text, (size_t)n, 0);
    /* Without it the number changes with the next mount, which nobody can complain about. */
    upath_setxattr(p, UPPER_REAL_INO, text, (size_t)n, 0);
    return 0;
}

bool upper_xattr_is_ours(const char *disk_name)
{
    static const char *const prefixes[] = {"trusted.overlay.", "user.overlay.",
                                           "user.fuseoverlayfs.", "user.containers.",
                                           "user.wherry."};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
        if (has_prefix(disk_name, prefixes[i]))
            return true;
    return false;
}

int upper_xattr_name(const char *name, enum upper_style style, char room[static XATTR_NAME_MAX + 1],
                     const char **ret)
{
    if (style == UPPER_REAL) {
        *ret = name;
        return upper_xattr_is_ours(name) ? -EPERM : 0;
    }
    if (has_prefix(name, "user.") && !upper_xattr_is_ours(name)) {
        *ret = name;
        return 0;
    }
    int n = snprintf(room, XATTR_NAME_MAX + 1, "%s%s", UPPER_ESCAPE, name);
    if (n > XATTR_NAME_MAX)
        return -ERANGE;
    *ret = room;
    return 0;
}

const char *upper_xattr_shown(const char *disk_name, enum upper_style style)
{
    if (style == UPPER_REAL)
        return upper_xattr_is_ours(disk_name) ? NULL : disk_name;
    if (has_prefix(disk_name, UPPER_ESCAPE))
        return disk_name + strlen(UPPER_ESCAPE);
    return has_prefix(disk_name, "user.") && !upper_xattr_is_ours(disk_name) ? disk_name : NULL;
}

static int make_opaque_file(const struct upath *p)
{
    struct stat st;
    auto_close int dir = openat(p->dirfd, p->rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fstat(dir, &st) < 0)
        return -errno;
    auto_close int fd = openat(dir, UPPER_OPAQUE_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    const struct timespec times[2] = {st.st_atim, st.st_mtim}; /* nothing that shows has changed */
    return futimens(dir, times) < 0 ? -errno : 0;
}

int upper_set_opaque(const struct upath *p, enum upper_style style)
{
    int r = upath_setxattr(p, UPPER_OPAQUE, "y", 1, 0);
    return style == UPPER_REAL ? make_opaque_file(p) : r;
}

int upper_make_whiteout(const struct upath *p, bool prefix)
{
    if (!prefix)
        return mknodat(p->dirfd, p->rel, S_IFCHR, makedev(0, 0)) < 0 ? -errno : 0;
    /* One may stand beside the object already, from a change that did not come to its end. */
    int fd = openat(p->dirfd, p->rel, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

int upper_readlink(const struct upath *p, bool typed, char **ret)
{
    char target[PATH_MAX];
    ssize_t n;
    if (typed) {
        auto_close int fd =
            openat(p->dirfd, p->rel, O_RDONLY | O_CLOEXEC | (p->follow ? 0 : O_NOFOLLOW));
        if (fd < 0)
            return -errno;
        n = read_full(fd, target, sizeof(target));
        if (n < 0)
            return (int)n;
    } else if (p->follow) { /* the descriptor itself: readlink of its /proc entry is another thing
                             */
        int fd = atoi(strrchr(p->full, '/') + 1);
        n = readlinkat(fd, "", target, sizeof(target));
    } else {
        n = readlinkat(p->dirfd, p->rel, target, sizeof(target));
    }
    if (n < 0)
        return -errno;
    if (n >= (ssize_t)sizeof(target))
        return -ENAMETOOLONG;
    *ret = xstrndup(target, (size_t)n);
    return 0;
}
