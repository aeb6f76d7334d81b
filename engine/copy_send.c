/* SPDX-License-Identifier: Apache-2.0 */
/* The sending end of a copy.
 *
 * Should: open everything by one name below an open directory, without following links, and look at
 * what it got, so that a tree that changes meanwhile leads nowhere else. */
#include "engine/copy_tree.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"
#include "base/strv.h"
#include "engine/copy_wire.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX   1000
#define XATTR_ROOM  (64 * 1024)
#define MQUEUE_TYPE 0x19800202

/* A file with several names that was sent under one of them. */
struct sent {
    dev_t dev;
    ino_t ino;
    char *path;
};

struct sender {
    int out;
    struct sent *links;
    size_t n_links, cap;
    char *chunk, *names, *values;
};

static void sender_done(struct sender *s)
{
    for (size_t i = 0; i < s->n_links; i++)
        free(s->links[i].path);
    free(s->links);
    free(s->chunk);
    free(s->names);
    free(s->values);
}
DEFINE_AUTO(sender, sender_done)

static const char *earlier_name(struct sender *s, const struct stat *st, const char *path)
{
    if (st->st_nlink < 2)
        return NULL;
    for (size_t i = 0; i < s->n_links; i++)
        if (s->links[i].ino == st->st_ino && s->links[i].dev == st->st_dev)
            return s->links[i].path;
    grow_array(s->links, s->n_links, s->cap);
    s->links[s->n_links++] = (struct sent){st->st_dev, st->st_ino, xstrdup(path)};
    return NULL;
}

/* The attributes that mean the same elsewhere. */
static void add_xattrs(struct sender *s, int fd, struct copy_entry *e)
{
    ssize_t len = flistxattr(fd, s->names, XATTR_ROOM);
    size_t used = 0;
    for (ssize_t at = 0; at < len && e->n_xattrs < COPY_XATTRS_MAX;
         at += (ssize_t)strlen(s->names + at) + 1) {
        const char *name = s->names + at;
        if (strncmp(name, "user.", 5) != 0 && strcmp(name, "security.capability") != 0)
            continue;
        ssize_t n = fgetxattr(fd, name, s->values + used, XATTR_ROOM - used);
        if (n < 0)
            continue;
        e->xattrs[e->n_xattrs++] = (struct copy_xattr){name, s->values + used, (size_t)n};
        used += (size_t)n;
    }
}

static struct copy_entry entry_of(const char *path, const struct stat *st)
{
    return (struct copy_entry){.path = path,
                               .mode = st->st_mode,
                               .uid = st->st_uid,
                               .gid = st->st_gid,
                               .size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
                               .mtime = st->st_mtim};
}

static bool all_zero(const char *data, size_t len)
{
    return *data == 0 && memcmp(data, data + 1, len - 1) == 0;
}

static int send_data(struct sender *s, int fd, const char *path, struct err *err)
{
    uint64_t offset = 0;
    for (;;) {
        ssize_t n = read_full(fd, s->chunk, COPY_CHUNK);
        if (n < 0)
            return err_errno(err, (int)n, "read %s", path);
        if (n == 0)
            return copy_put_data(s->out, offset, NULL, 0, err);
        int r = all_zero(s->chunk, (size_t)n)
                    ? 0
                    : copy_put_data(s->out, offset, s->chunk, (size_t)n, err);
        if (r < 0)
            return r;
        offset += (uint64_t)n;
    }
}

static int send_file(struct sender *s, int fd, const char *path, const struct stat *st,
                     struct err *err)
{
    struct copy_entry e = entry_of(path, st);
    e.same = earlier_name(s, st, path);
    if (!e.same)
        add_xattrs(s, fd, &e);
    int r = copy_put_entry(s->out, &e, err);
    return r < 0 || e.same ? r : send_data(s, fd, path, err);
}

/* What the kernel makes up is nobody's data. */
static bool made_up(int fd)
{
    static const long types[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,        DEVPTS_SUPER_MAGIC,
                                 CGROUP2_SUPER_MAGIC, CGROUP_SUPER_MAGIC, MQUEUE_TYPE};
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (fs.f_type == types[i])
            return true;
    return false;
}

static int send_below(struct sender *s, int dir, const char *path, int depth, struct err *err);

static int send_dir(struct sender *s, int fd, const char *path, const struct stat *st, int depth,
                    struct err *err)
{
    struct copy_entry e = entry_of(path, st);
    add_xattrs(s, fd, &e);
    int r = copy_put_entry(s->out, &e, err);
    if (r < 0 || (depth > 0 && made_up(fd)))
        return r;
    return send_below(s, fd, path, depth, err);
}

static int send_link(struct sender *s, int dir, const char *name, const char *path,
                     const struct stat *st, struct err *err)
{
    auto_free char *target = NULL;
    struct copy_entry e = entry_of(path, st);
    int r = read_link_at(dir, name, &target, NULL);
    if (r < 0)
        return r == -ENOENT || r == -EINVAL ? 0 : err_errno(err, r, "read %s", path);
    e.link = target;
    e.same = earlier_name(s, st, path);
    return copy_put_entry(s->out, &e, err);
}

static int send_named(struct sender *s, int dir, const char *name, const char *path, int depth,
                      struct err *err)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(err, -errno, "%s", path); /* removed meanwhile */
    if (S_ISLNK(st.st_mode))
        return send_link(s, dir, name, path, &st, err);
    if (S_ISFIFO(st.st_mode)) {
        struct copy_entry e = entry_of(path, &st);
        return copy_put_entry(s->out, &e, err);
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    auto_close int fd =
        openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP))
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "open %s", path);
    if (S_ISDIR(st.st_mode))
        return send_dir(s, fd, path, &st, depth, err);
    return S_ISREG(st.st_mode) ? send_file(s, fd, path, &st, err) : 0;
}

static int send_below(struct sender *s, int dir, const char *path, int depth, struct err *err)
{
    auto_strv names = {0};
    if (depth >= DEPTH_MAX)
        return err_set(err, -ELOOP, "%.200s...: directories are nested too deeply", path);
    int r = list_dir_at(dir, ".", &names, err);
    for (size_t i = 0; r == 0 && i < names.len; i++) {
        auto_free char *below = *path ? xasprintf("%s/%s", path, names.v[i]) : xstrdup(names.v[i]);
        r = send_named(s, dir, names.v[i], below, depth + 1, err);
    }
    return r;
}

static int open_source(int root, const char *path, int flags)
{
    if (root != AT_FDCWD)
        return safe_open(root, path, flags, 0);
    int fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The last component, and whether what is in it is meant rather than it. */
static char *root_name(const char *path, bool *ret_contents)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    size_t start = len;
    while (start > 0 && path[start - 1] != '/')
        start--;
    char *name = xstrndup(path + start, len - start);
    *ret_contents = *name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    return name;
}

static int send_all(struct sender *s, int root, const char *path, const char *where,
                    struct err *err)
{
    struct stat st;
    struct copy_root head = {0};
    auto_free char *name = root_name(path, &head.contents);
    /* Looked at before it is opened: a device might do something when it is. */
    auto_close int looked = open_source(root, path, O_PATH);
    if (looked < 0 || fstat(looked, &st) < 0)
        return err_errno(err, looked < 0 ? looked : -errno, "\"%s\" could not be found %s", path,
                         where);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return err_set(err, -EINVAL, "\"%s\" %s is neither a file nor a directory", path, where);
    auto_close int fd = open_source(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, fd < 0 ? fd : -errno, "open %s", path);
    head.name = name;
    head.is_dir = S_ISDIR(st.st_mode);
    int r = copy_put_root(s->out, &head, err);
    if (r == 0)
        r = head.is_dir ? send_dir(s, fd, "", &st, 0, err) : send_file(s, fd, "", &st, err);
    return r < 0 ? r : copy_put_end(s->out, err);
}

int copy_send(int out, int root, const char *path, const char *where, struct err *err)
{
    auto_done(sender) struct sender s = {.out = out};
    struct err own = {0};
    s.chunk = xcalloc(1, COPY_CHUNK);
    s.names = xcalloc(1, XATTR_ROOM);
    s.values = xcalloc(1, XATTR_ROOM);
    int r = send_all(&s, root, path, where, &own);
    if (r < 0 && r != -EPIPE)
        copy_put_failed(out, &own);
    if (r < 0 && err)
        *err = own;
    return r;
}
