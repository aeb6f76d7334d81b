/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving end of a copy.
 *
 * Theory of operation. The target's last existing part is the anchor; what is copied lies below it
 * under a name, or is it itself. On the host everything is reached from the anchor's descriptor by
 * one component at a time, and no link is followed, because links and names below it may be ones
 * that a container made. In a container a parent is resolved from its root anew, so its own links
 * (/lib -> usr/lib) count, and nothing leaves it. Directories get their mode and time when all is
 * there.
 *
 * Should: replace files, never write into them, unless they are mounts. Mustn't: give set-id bits
 * or owners to what lands on the host. */
#include "engine/copy_tree.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"
#include "base/strv.h"
#include "engine/copy_wire.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's */

/* A directory that was made here and gets its mode and time at the end. */
struct made_dir {
    char *path;
    mode_t mode;
    struct timespec mtime;
};

struct receiver {
    const struct copy_target *to;
    bool host;
    int anchor;       /* directory */
    char *anchor_dir; /* its path, for a container */
    char *name;       /* of what is copied, below the anchor; "" when it is the anchor */
    char *parent_path;
    int parent; /* the directory that parent_path names, kept from entry to entry */
    struct made_dir *dirs;
    size_t n_dirs, cap;
    int file;                     /* the file that data is for */
    struct copy_entry file_attrs; /* points into file_head */
    struct buf file_head;
    char *shown; /* its path, for messages */
};

static void receiver_done(struct receiver *r)
{
    close_fd(&r->anchor);
    close_fd(&r->parent);
    close_fd(&r->file);
    free(r->anchor_dir);
    free(r->name);
    free(r->parent_path);
    free(r->shown);
    buf_done(&r->file_head);
    for (size_t i = 0; i < r->n_dirs; i++)
        free(r->dirs[i].path);
    free(r->dirs);
}
DEFINE_AUTO(receiver, receiver_done)

/* --- the target ---------------------------------------------------------------------------- */

static int open_target(const struct receiver *r, const char *path)
{
    if (!r->host)
        return safe_open(r->to->root, path, O_PATH, 0);
    int fd = open(path, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int target_missing(const struct receiver *r, int code, struct err *err)
{
    return err_errno(err, code, "\"%s\" could not be found %s", r->to->path, r->to->where);
}

static bool ends_as_directory(const char *path)
{
    size_t len = strlen(path);
    return len && (path[len - 1] == '/' || (len > 1 && strcmp(path + len - 2, "/.") == 0));
}

/* Opens the directory `dir` as the anchor. */
static int set_anchor(struct receiver *r, const char *dir, const char *name, struct err *err)
{
    int fd = open_target(r, dir);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))) {
        close(fd);
        fd = -ENOTDIR;
    }
    if (fd < 0)
        return target_missing(r, fd, err);
    r->anchor = fd;
    r->anchor_dir = xstrdup(dir);
    r->name = xstrdup(name);
    return 0;
}

/* A missing target, or a file: made, or replaced, by its own name in its directory; a link there is
 * followed first, also one that leads to nothing. */
static int anchor_parent(struct receiver *r, const char *path, int links, struct err *err)
{
    auto_free char *dir = NULL, *name = NULL, *target = NULL;
    if (links > LINKS_MAX)
        return target_missing(r, -ELOOP, err);
    path_split(path, &dir, &name);
    int code = set_anchor(r, dir, name, err);
    if (code < 0)
        return code;
    if (read_link_at(r->anchor, name, &target, NULL) < 0)
        return 0;
    auto_free char *next = path_join(r->anchor_dir, target);
    close_fd(&r->anchor);
    free(take_ptr(r->anchor_dir));
    free(take_ptr(r->name));
    return anchor_parent(r, next, links + 1, err);
}

/* Names come from elsewhere: nothing that climbs, nothing empty. */
static bool path_is_plain(const char *path)
{
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, "/");
        if (len == 0 || len > NAME_MAX || (len == 1 && *p == '.') ||
            (len == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        p += len;
        if (!*p)
            return true;
    }
}

static int begin(struct receiver *r, const struct copy_root *root, struct err *err)
{
    const char *path = r->to->path;
    struct stat st = {0};
    auto_close int fd = open_target(r, path);
    if (fd < 0 && fd != -ENOENT)
        return target_missing(r, fd, err);
    if (fd >= 0 && fstat(fd, &st) < 0)
        return target_missing(r, -errno, err);
    if (fd >= 0 && S_ISDIR(st.st_mode)) {
        const char *name = root->contents && root->is_dir ? "" : root->name;
        if (*name && (!path_is_plain(name) || strchr(name, '/')))
            return err_set(err, -EPROTO, "refused to make \"%s\"", name);
        return set_anchor(r, path, name, err);
    }
    if (root->archive)
        return err_set(err, -ENOTDIR, "destination must be a directory when copying from stdin");
    if (fd >= 0 && root->is_dir)
        return err_set(err, -ENOTDIR, "destination must be a directory when copying a directory");
    if (fd >= 0 && !S_ISREG(st.st_mode))
        return err_set(err, -EINVAL,
                       "invalid destination: \"%s\" must be a directory or a regular file", path);
    if (ends_as_directory(path) && !root->is_dir)
        return target_missing(r, fd >= 0 ? -ENOTDIR : -ENOENT, err);
    return anchor_parent(r, path, 0, err);
}

/* --- walking below it ---------------------------------------------------------------------- */

/* The path below the anchor, or NULL when it is the anchor itself. */
static char *below_anchor(const struct receiver *r, const char *path)
{
    if (!*path)
        return *r->name ? xstrdup(r->name) : NULL;
    return *r->name ? xasprintf("%s/%s", r->name, path) : xstrdup(path);
}

static int step(int dir, const char *name, bool make)
{
    if (make && mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* On the host: one component at a time. A tar need not list a directory, so missing ones are made.
 */
static int walk_host(const struct receiver *r, const char *path)
{
    auto_strv parts = {0};
    auto_close int at = fcntl(r->anchor, F_DUPFD_CLOEXEC, 3);
    strv_split(&parts, path, '/');
    for (size_t i = 0; at >= 0 && i < parts.len; i++) {
        int next = step(at, parts.v[i], true);
        close(at);
        at = next;
    }
    return take_fd(&at);
}

static int walk_container(const struct receiver *r, const char *path)
{
    auto_free char *whole = path_join(r->anchor_dir, path);
    auto_close int fd = safe_open(r->to->root, whole, O_PATH | O_DIRECTORY, 0);
    if (fd == -ENOENT)
        fd = safe_mkdir_parents(r->to->root, whole, 0755);
    return take_fd(&fd);
}

/* The directory that `path` (below the anchor) is in, borrowed, and the name there. */
static int parent_of(struct receiver *r, const char *path, const char **ret_name, struct err *err)
{
    const char *slash = strrchr(path, '/');
    *ret_name = slash ? slash + 1 : path;
    if (!slash)
        return r->anchor;
    size_t len = (size_t)(slash - path);
    if (r->parent >= 0 && strncmp(r->parent_path, path, len) == 0 && !r->parent_path[len])
        return r->parent;
    auto_free char *dir = xstrndup(path, len);
    int fd = r->host ? walk_host(r, dir) : walk_container(r, dir);
    if (fd < 0)
        return err_errno(err, fd, "%s/%s", r->to->path, dir);
    close_fd(&r->parent);
    free(r->parent_path);
    r->parent = fd;
    r->parent_path = take_ptr(dir);
    return fd;
}

/* --- entries ------------------------------------------------------------------------------- */

static mode_t mode_of(const struct receiver *r, mode_t mode)
{
    return mode & (r->host ? 01777 : 07777);
}

static int set_owner(const struct receiver *r, int dir, const char *name,
                     const struct copy_entry *e, struct err *err)
{
    if (r->host)
        return 0;
    uid_t uid = r->to->keep_owners ? e->uid : r->to->uid;
    gid_t gid = r->to->keep_owners ? e->gid : r->to->gid;
    if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)) == 0)
        return 0;
    return err_errno(err, -errno, "give %s to %u:%u", e->path, uid, gid);
}

/* What the other side has and this one cannot is left out. */
static void set_xattrs(const struct receiver *r, int fd, const struct copy_entry *e)
{
    for (size_t i = 0; i < e->n_xattrs; i++)
        if (!r->host || strncmp(e->xattrs[i].name, "user.", 5) == 0)
            (void)!fsetxattr(fd, e->xattrs[i].name, e->xattrs[i].value, e->xattrs[i].len, 0);
}

/* Makes room for what is no directory: 0; 1: a file stays that is a mount, to be written into. */
static int make_room(const struct receiver *r, int dir, const char *name, const char *shown,
                     struct err *err)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(err, -errno, "%s", shown);
    if (S_ISDIR(st.st_mode) && !r->to->overwrite)
        return err_set(err, -EISDIR,
                       "cannot overwrite directory %s with non-directory (see --overwrite)", shown);
    if (S_ISDIR(st.st_mode))
        return remove_tree_at(dir, name, err);
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    return errno == EBUSY && S_ISREG(st.st_mode) ? 1 : err_errno(err, -errno, "replace %s", shown);
}

static void remember_dir(struct receiver *r, const char *path, const struct copy_entry *e)
{
    grow_array(r->dirs, r->n_dirs, r->cap);
    r->dirs[r->n_dirs++] = (struct made_dir){xstrdup(path), e->mode, e->mtime};
}

/* One that is there keeps its attributes. In a container a link to one is one. */
static int put_dir(struct receiver *r, int dir, const char *name, const char *path,
                   const struct copy_entry *e, struct err *err)
{
    struct stat st;
    bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && S_ISLNK(st.st_mode) && !r->host) {
        auto_free char *whole = path_join(r->anchor_dir, path);
        auto_close int fd = safe_open(r->to->root, whole, O_PATH | O_DIRECTORY, 0);
        if (fd >= 0)
            return 0;
    }
    if (there && S_ISDIR(st.st_mode))
        return 0;
    if (there && !r->to->overwrite)
        return err_set(err, -ENOTDIR,
                       "cannot overwrite non-directory %s with directory (see --overwrite)", path);
    if (there && unlinkat(dir, name, 0) < 0)
        return err_errno(err, -errno, "replace %s", path);
    if (mkdirat(dir, name, 0700) < 0)
        return err_errno(err, -errno, "make %s", path);
    auto_close int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, -errno, "open %s", path);
    set_xattrs(r, fd, e);
    int code = set_owner(r, fd, "", e, err);
    if (code == 0)
        remember_dir(r, path, e);
    return code;
}

static int put_file(struct receiver *r, int dir, const char *name, const char *path,
                    const struct copy_entry *e, struct err *err)
{
    int in_place = make_room(r, dir, name, path, err);
    if (in_place < 0)
        return in_place;
    int flags = in_place ? O_WRONLY | O_TRUNC : O_WRONLY | O_CREAT | O_EXCL;
    r->file = openat(dir, name, flags | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
    if (r->file < 0)
        return err_errno(err, -errno, "create %s", path);
    free(r->shown);
    r->shown = xstrdup(path);
    return 0;
}

static int put_other(struct receiver *r, int dir, const char *name, const char *path,
                     const struct copy_entry *e, struct err *err)
{
    int code = make_room(r, dir, name, path, err);
    if (code != 0)
        return code < 0 ? code : err_set(err, -EBUSY, "replace %s: it is a mount", path);
    if (S_ISLNK(e->mode) && e->link)
        code = symlinkat(e->link, dir, name);
    else
        code = mknodat(dir, name, S_IFIFO | 0600, 0);
    if (code < 0)
        return err_errno(err, -errno, "make %s", path);
    code = set_owner(r, dir, name, e, err);
    if (code == 0 && !S_ISLNK(e->mode))
        (void)!fchmodat(dir, name, mode_of(r, e->mode), AT_SYMLINK_NOFOLLOW);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, e->mtime};
    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
    return code;
}

static int put_same(struct receiver *r, int dir, const char *name, const char *path,
                    const struct copy_entry *e, struct err *err)
{
    const char *from_name;
    auto_free char *from = path_is_plain(e->same) ? below_anchor(r, e->same) : NULL;
    if (!from)
        return err_set(err, -EPROTO, "%s: a link to \"%s\"", path, e->same);
    int code = make_room(r, dir, name, path, err);
    if (code != 0)
        return code < 0 ? code : err_set(err, -EBUSY, "replace %s: it is a mount", path);
    auto_close int to = fcntl(dir, F_DUPFD_CLOEXEC, 3); /* parent_of() may close it */
    int from_dir = parent_of(r, from, &from_name, err);
    if (from_dir < 0)
        return from_dir;
    return linkat(from_dir, from_name, to, name, 0) < 0
               ? err_errno(err, -errno, "link %s to %s", path, from)
               : 0;
}

static int put_entry(struct receiver *r, const struct copy_entry *e, struct err *err)
{
    const char *name;
    if (*e->path && !path_is_plain(e->path))
        return err_set(err, -EPROTO, "refused to make \"%s\"", e->path);
    auto_free char *path = below_anchor(r, e->path);
    if (!path)
        return 0; /* what is in a directory goes into one that is there */
    int dir = parent_of(r, path, &name, err);
    if (dir < 0)
        return dir;
    if (e->same)
        return put_same(r, dir, name, path, e, err);
    switch (e->mode & S_IFMT) {
    case S_IFDIR: return put_dir(r, dir, name, path, e, err);
    case S_IFREG: return put_file(r, dir, name, path, e, err);
    case S_IFLNK:
    case S_IFIFO: return put_other(r, dir, name, path, e, err);
    default: return 0; /* devices and sockets mean nothing elsewhere */
    }
}

static int finish_file(struct receiver *r, uint64_t size, struct err *err)
{
    const struct copy_entry *e = &r->file_attrs;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, e->mtime};
    int code = ftruncate(r->file, (off_t)size) < 0 ? err_errno(err, -errno, "%s", r->shown) : 0;
    if (code == 0)
        code = set_owner(r, r->file, "", e, err);
    if (code == 0 && fchmod(r->file, mode_of(r, e->mode)) < 0)
        code = err_errno(err, -errno, "%s", r->shown);
    set_xattrs(r, r->file, e); /* writing and a new owner take capabilities away */
    futimens(r->file, times);
    if (close(take_fd(&r->file)) < 0 && code == 0)
        code = err_errno(err, -errno, "write %s", r->shown);
    return code;
}

/* Keeps what was said of the file until its data is there; the strings lie in the message. */
static void keep_attrs(struct receiver *r, struct copy_message *m)
{
    struct buf old = r->file_head;
    r->file_attrs = m->entry;
    r->file_head = m->head;
    m->head = old;
}

static int put_data(struct receiver *r, const struct copy_message *m, struct err *err)
{
    if (r->file < 0)
        return err_set(err, -EPROTO, "data without a file");
    if (m->data.len == 0)
        return finish_file(r, m->offset, err);
    for (size_t done = 0; done < m->data.len;) {
        ssize_t n =
            pwrite(r->file, m->data.data + done, m->data.len - done, (off_t)(m->offset + done));
        if (n < 0 && errno != EINTR)
            return err_errno(err, -errno, "write %s", r->shown);
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int take_entry(struct receiver *r, struct copy_message *m, struct err *err)
{
    int code = r->file >= 0 ? err_set(err, -EPROTO, "an entry within a file's data")
                            : put_entry(r, &m->entry, err);
    if (code == 0 && r->file >= 0)
        keep_attrs(r, m);
    return code;
}

/* Backwards, so that a directory's time is set after those of what is in it. */
static void finish_dirs(struct receiver *r)
{
    while (r->n_dirs > 0) {
        struct made_dir *d = &r->dirs[--r->n_dirs];
        const char *name;
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, d->mtime};
        int dir = parent_of(r, d->path, &name, NULL);
        auto_close int fd =
            dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) { /* else it was removed meanwhile */
            (void)!fchmod(fd, mode_of(r, d->mode));
            futimens(fd, times);
        }
        free(d->path);
    }
}

int copy_receive(int in, const struct copy_target *to, struct err *err)
{
    auto_done(copy_message) struct copy_message m = {0};
    auto_done(receiver) struct receiver r = {
        .to = to, .host = to->root == AT_FDCWD, .anchor = -1, .parent = -1, .file = -1};
    int code = copy_get(in, &m, err);
    while (code == 0 && m.type != COPY_END) {
        if (m.type == COPY_FAILED && err)
            *err = m.failure;
        if (m.type == COPY_FAILED)
            return m.failure.code;
        if ((m.type == COPY_ROOT) != (r.anchor < 0))
            return err_set(err, -EPROTO, "messages of a copy in the wrong order");
        if (m.type == COPY_ROOT)
            code = begin(&r, &m.root, err);
        else if (m.type == COPY_ENTRY)
            code = take_entry(&r, &m, err);
        else
            code = put_data(&r, &m, err);
        if (code == 0)
            code = copy_get(in, &m, err);
    }
    if (code == 0)
        finish_dirs(&r);
    return code;
}
