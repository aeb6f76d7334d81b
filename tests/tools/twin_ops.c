/* SPDX-License-Identifier: Apache-2.0 */
/* Random system calls on both sides. */
#include "base/cleanup.h"
#include "tests/tools/twin.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE  (1 << 1)
#endif

enum kind {
    OPEN,
    CLOSE,
    WRITE,
    READ,
    MAP_WRITE,
    TRUNCATE_FD,
    ALLOCATE,
    CHMOD_FD,
    CHOWN_FD,
    TIMES_FD,
    COPY,
    MAKE_DIR,
    MAKE_NODE,
    MAKE_LINK,
    HARD_LINK,
    LINK_FD,
    UNLINK,
    REMOVE_DIR,
    RENAME,
    CHMOD,
    CHOWN,
    TIMES,
    TRUNCATE,
    SET_XATTR,
    GET_XATTR,
    REMOVE_XATTR,
    SET_ACL,
    ACCESS,
    SYNC,
    N_KINDS
};

struct op {
    enum kind kind;
    char a[TWIN_PATH], b[TWIN_PATH];
    int slot, other;
    int flags;
    mode_t mode, umask;
    uid_t uid, as; /* `as`: who does it */
    gid_t gid;
    off_t at, to;
    size_t len;
    unsigned char byte;
    struct timespec times[2];
    const char *xattr;
    char value[64];
    size_t value_len;
};

static const char *const names[] = {"a", "b", "c", "dd", "ee", "f.f", ".g", "\xc3\xa9 h"};
static const char *const attrs[] = {"user.a", "user.b", "user.overlay.opaque",
                                    "user.containers.override_stat"};
static const char *const acls[] = {"system.posix_acl_access", "system.posix_acl_default"};

/* --- drawing ------------------------------------------------------------------------------ */

static void draw_path(struct twin *t, char path[static TWIN_PATH])
{
    static char remembered[16][TWIN_PATH]; /* so that names are met again */
    if (twin_chance(t, 40)) {
        memcpy(path, remembered[twin_below(t, 16)], TWIN_PATH);
        if (*path)
            return;
    }
    size_t n = 0;
    for (uint32_t depth = 1 + twin_below(t, 4); depth > 0; depth--) {
        n += (size_t)snprintf(path + n, TWIN_PATH - n, "%s%s", n ? "/" : "",
                              names[twin_below(t, sizeof(names) / sizeof(*names))]);
        if (twin_chance(t, 40))
            break;
    }
    memcpy(remembered[twin_below(t, 16)], path, n + 1);
}

/* A list with a named user, or only what mode bits say. */
static void draw_acl(struct twin *t, struct op *o)
{
    struct {
        uint32_t version;
        struct {
            uint16_t tag, perm;
            uint32_t id;
        } e[5];
    } acl = {.version = 2,
             .e = {{1, 0, UINT32_MAX},
                   {2, 0, 1000},
                   {4, 0, UINT32_MAX},
                   {16, 0, UINT32_MAX},
                   {32, 0, UINT32_MAX}}};
    o->xattr = acls[twin_below(t, 2)];
    for (int i = 0; i < 5; i++)
        acl.e[i].perm = (uint16_t)twin_below(t, 8);
    o->value_len = sizeof(acl);
    if (twin_chance(t, 30)) {
        acl.e[1] = acl.e[2];
        acl.e[2] = acl.e[4];
        o->value_len -= 2 * sizeof(acl.e[0]);
    } else if (twin_chance(t, 10)) {
        acl.e[twin_below(t, 5)].tag = (uint16_t)twin_below(t, 64); /* mostly no list at all */
    }
    memcpy(o->value, &acl, sizeof(acl));
}

static void draw_numbers(struct twin *t, struct op *o)
{
    static const int open_flags[] = {O_RDONLY,
                                     O_RDWR,
                                     O_RDWR | O_CREAT,
                                     O_RDWR | O_CREAT,
                                     O_RDWR | O_CREAT | O_EXCL,
                                     O_RDWR | O_TRUNC,
                                     O_WRONLY | O_CREAT | O_TRUNC,
                                     O_RDWR | O_APPEND,
                                     O_RDONLY | O_DIRECTORY,
                                     O_RDWR | O_CREAT | O_NOFOLLOW,
                                     O_TMPFILE | O_RDWR};
    static const int rename_flags[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
    static const int fallocate_modes[] = {0, FALLOC_FL_KEEP_SIZE,
                                          FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE};
    static const mode_t types[] = {S_IFIFO, S_IFSOCK, S_IFREG};
    static const mode_t modes[] = {0644, 0755, 0777, 0600, 02775, 04755, 01777, 06777, 0, 0750};
    o->mode = modes[twin_below(t, sizeof(modes) / sizeof(*modes))];
    if (twin_chance(t, 10))
        o->mode = twin_below(t, 010000);
    if (o->kind == OPEN)
        o->flags = open_flags[twin_below(t, sizeof(open_flags) / sizeof(*open_flags))];
    else if (o->kind == RENAME)
        o->flags = rename_flags[twin_below(t, 5)];
    else if (o->kind == ALLOCATE)
        o->flags = fallocate_modes[twin_below(t, 3)];
    else if (o->kind == SET_XATTR)
        o->flags = (int)twin_below(t, 3); /* 0, XATTR_CREATE, XATTR_REPLACE */
    else if (o->kind == ACCESS)
        o->flags = (int)twin_below(t, 8);
    if (o->kind == MAKE_NODE)
        o->mode |= types[twin_below(t, 3)];
    o->uid = twin_chance(t, 20) ? (uid_t)-1 : twin_below(t, 3) * 1000;
    o->gid = twin_chance(t, 20) ? (gid_t)-1 : twin_below(t, 3) * 1000;
    if (o->uid == (uid_t)-1 && o->gid == (gid_t)-1)
        o->gid = 0; /* whether a stranger may change nothing depends on the file system */
    bool large = twin_chance(t, 15);
    o->at = twin_below(t, large ? TWIN_DATA : 5000);
    o->to = twin_below(t, large ? TWIN_DATA : 5000);
    o->len = 1 + twin_below(t, large ? 70000 : 3000);
    o->byte = (unsigned char)twin_below(t, 256);
    for (int i = 0; i < 2; i++)
        o->times[i] = (struct timespec){twin_below(t, 900000000), twin_below(t, 1000000000)};
}

static void draw(struct twin *t, struct op *o)
{
    static const uint8_t weights[N_KINDS] = {
        [OPEN] = 24,        [CLOSE] = 8,     [WRITE] = 20,     [READ] = 8,      [MAP_WRITE] = 6,
        [TRUNCATE_FD] = 6,  [ALLOCATE] = 5,  [CHMOD_FD] = 4,   [CHOWN_FD] = 3,  [TIMES_FD] = 3,
        [COPY] = 5,         [MAKE_DIR] = 12, [MAKE_NODE] = 4,  [MAKE_LINK] = 5, [HARD_LINK] = 8,
        [LINK_FD] = 3,      [UNLINK] = 9,    [REMOVE_DIR] = 5, [RENAME] = 20,   [CHMOD] = 8,
        [CHOWN] = 6,        [TIMES] = 5,     [TRUNCATE] = 5,   [SET_XATTR] = 5, [GET_XATTR] = 3,
        [REMOVE_XATTR] = 3, [SET_ACL] = 5,   [ACCESS] = 4,     [SYNC] = 1};
    unsigned sum = 0, at;
    for (int i = 0; i < N_KINDS; i++)
        sum += weights[i];
    at = twin_below(t, sum);
    memset(o, 0, sizeof(*o));
    while (at >= weights[o->kind])
        at -= weights[o->kind++];
    draw_path(t, o->a);
    draw_path(t, o->b);
    if (o->kind == MAKE_LINK && strchr(o->b, '/'))
        *strrchr(o->b, '/') = 0;
    o->slot = (int)twin_below(t, TWIN_OPEN);
    o->other = (int)twin_below(t, TWIN_OPEN);
    o->as = twin_chance(t, 20) ? 1000 : 0;
    o->umask = twin_chance(t, 50) ? 022 : twin_below(t, 0100);
    o->xattr = attrs[twin_below(t, sizeof(attrs) / sizeof(*attrs))];
    if (o->kind == REMOVE_XATTR && twin_chance(t, 30))
        o->xattr = acls[twin_below(t, 2)];
    o->value_len = (size_t)snprintf(o->value, sizeof(o->value), "v%u", twin_below(t, 1000));
    draw_numbers(t, o);
    if (o->kind == SET_ACL)
        draw_acl(t, o);
    /* fs.protected_hardlinks looks at set-id bits that a write may have taken away and FUSE in the
     * kernel has not asked for since. */
    if (o->kind == HARD_LINK || o->kind == LINK_FD)
        o->as = 0;
}

/* --- doing -------------------------------------------------------------------------------- */

static long errors(long r)
{
    return r < 0 ? -errno : r;
}

static long do_write(int fd, const struct op *o)
{
    static unsigned char data[70001];
    memset(data, o->byte, o->len);
    return errors(pwrite(fd, data, o->len, o->at));
}

/* What was read, as one number. */
static long do_read(int fd, const struct op *o)
{
    static unsigned char data[70001];
    long n = pread(fd, data, o->len, o->at), sum = n;
    for (long i = 0; i < n; i++)
        sum = (sum * 31 + data[i]) & 0xffffffff;
    return n < 0 ? -errno : sum;
}

static long do_map(int fd, const struct op *o)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return 0;
    unsigned char *p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    long sum = 0;
    for (off_t i = o->at % st.st_size; i < st.st_size && i < o->at + 500; i++) {
        sum = (sum * 31 + p[i]) & 0xffffffff;
        p[i] = o->byte;
    }
    munmap(p, (size_t)st.st_size);
    return sum;
}

static long do_open(struct twin *t, int side, const struct op *o)
{
    int *slot = &t->open[side][o->slot];
    close_fd(slot);
    int fd = openat(t->root[side], o->a, o->flags | O_CLOEXEC | O_NONBLOCK, o->mode & 07777);
    *slot = fd;
    return fd < 0 ? -errno : 0;
}

static long do_copy(struct twin *t, int side, const struct op *o)
{
    off_t at = o->at, to = o->to;
    struct stat a, b;
    int in = t->open[side][o->slot], out = t->open[side][o->other];
    if (fstat(in, &a) < 0 || fstat(out, &b) < 0 || a.st_ino == b.st_ino)
        return 0;
    size_t left = o->len % 5000;
    long done = 0;
    while (left) {
        ssize_t n = copy_file_range(in, &at, out, &to, left, 0);
        if (n < 0)
            return done ? done : -errno;
        if (n == 0)
            return done;
        done += n;
        left -= (size_t)n;
    }
    return done;
}

static long do_link_fd(struct twin *t, int side, const struct op *o)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", t->open[side][o->slot]);
    return errors(linkat(AT_FDCWD, path, t->root[side], o->a, AT_SYMLINK_FOLLOW));
}

/* By a descriptor of the object, as there are no calls for extended attributes below one. */
static long do_xattr(int root, const struct op *o)
{
    char path[TWIN_PATH + 40], value[256];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", root, o->a);
    switch (o->kind) {
    case GET_XATTR: return errors(getxattr(path, o->xattr, value, sizeof(value)));
    case REMOVE_XATTR: return errors(removexattr(path, o->xattr));
    default: return errors(setxattr(path, o->xattr, o->value, o->value_len, o->flags));
    }
}

static long do_open_file(struct twin *t, int side, const struct op *o)
{
    int fd = t->open[side][o->slot];
    switch (o->kind) {
    case WRITE: return do_write(fd, o);
    case READ: return do_read(fd, o);
    case MAP_WRITE: return do_map(fd, o);
    case TRUNCATE_FD: return errors(ftruncate(fd, o->at));
    case ALLOCATE: return errors(fallocate(fd, o->flags, o->at, (off_t)o->len));
    case CHMOD_FD: return errors(fchmod(fd, o->mode));
    case CHOWN_FD: return errors(fchown(fd, o->uid, o->gid));
    case TIMES_FD: return errors(futimens(fd, o->times));
    case COPY: return do_copy(t, side, o);
    case LINK_FD: return do_link_fd(t, side, o);
    case SYNC: return errors(fsync(fd));
    default: close_fd(&t->open[side][o->slot]); return 0;
    }
}

static long do_path(int root, const struct op *o)
{
    switch (o->kind) {
    case MAKE_DIR: return errors(mkdirat(root, o->a, o->mode));
    case MAKE_NODE: return errors(mknodat(root, o->a, o->mode, 0));
    case MAKE_LINK: return errors(symlinkat(o->b, root, o->a));
    case HARD_LINK: return errors(linkat(root, o->a, root, o->b, 0));
    case UNLINK: return errors(unlinkat(root, o->a, 0));
    case REMOVE_DIR: return errors(unlinkat(root, o->a, AT_REMOVEDIR));
    case RENAME: return errors(renameat2(root, o->a, root, o->b, (unsigned)o->flags));
    case CHMOD: return errors(fchmodat(root, o->a, o->mode, 0));
    case CHOWN: return errors(fchownat(root, o->a, o->uid, o->gid, AT_SYMLINK_NOFOLLOW));
    case TIMES: return errors(utimensat(root, o->a, o->times, AT_SYMLINK_NOFOLLOW));
    case ACCESS: return errors(faccessat(root, o->a, o->flags, AT_EACCESS));
    case TRUNCATE: {
        auto_close int fd = openat(root, o->a, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK);
        return fd < 0 ? -errno : 0;
    }
    default: return do_xattr(root, o);
    }
}

static long run(struct twin *t, int side, const struct op *o)
{
    umask(o->umask);
    setfsgid(o->as);
    setfsuid(o->as);
    long r = o->kind == OPEN ? do_open(t, side, o)
             : o->kind < MAKE_DIR || o->kind == LINK_FD || o->kind == SYNC
                 ? do_open_file(t, side, o)
                 : do_path(t->root[side], o);
    setfsuid(0);
    setfsgid(0);
    return r;
}

static void describe(struct twin *t, const struct op *o)
{
    static const char *const kind[N_KINDS] = {
        "open",      "close",       "write",  "read",     "mmap",     "ftruncate",
        "fallocate", "fchmod",      "fchown", "futimens", "copy",     "mkdir",
        "mknod",     "symlink",     "link",   "linkfd",   "unlink",   "rmdir",
        "rename",    "chmod",       "lchown", "utimens",  "truncate", "setxattr",
        "getxattr",  "removexattr", "setacl", "access",   "fsync"};
    snprintf(t->op, sizeof(t->op),
             "%s %s | %s slot %d/%d flags %o mode %o own %d:%d at %ld to %ld len %zu %s=%s as %u "
             "umask %o",
             kind[o->kind], o->a, o->b, o->slot, o->other, (unsigned)o->flags, o->mode, (int)o->uid,
             (int)o->gid, (long)o->at, (long)o->to, o->len, o->xattr,
             o->kind == SET_ACL ? "" : o->value, o->as, o->umask);
}

void twin_step(struct twin *t)
{
    struct op o;
    draw(t, &o);
    describe(t, &o);
    long first = run(t, 0, &o);
    long second = t->root[1] < 0 ? first : run(t, 1, &o);
    if (t->verbose)
        fprintf(stderr, "%llu: %s: %ld\n", (unsigned long long)t->n_ops, t->op, first);
    if (first != second)
        twin_fail(t, "returned %ld (%s), on the other side %ld (%s)", first,
                  first < 0 ? strerror((int)-first) : "", second,
                  second < 0 ? strerror((int)-second) : "");
}
