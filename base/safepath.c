/* SPDX-License-Identifier: Apache-2.0 */
/* Walking an untrusted path inside a root directory.
 *
 * Theory of operation of the fallback: the walk holds a stack of O_PATH descriptors, one for each
 * directory from the root to where it stands, so ".." is a pop and can never pass the root, even
 * when somebody renames a directory on the way. A link's target is put in front of what is left to
 * walk; an absolute one empties the stack down to the root. */
#include "base/safepath.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strv.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_LINKS        40 /* as the kernel's own limit */
#define PROC_SUPER_MAGIC 0x9fa0

static bool openat2_forbidden(void)
{
    const char *env = getenv("WHERRY_NO_OPENAT2");
    return env && *env == '1';
}

struct walk {
    int root; /* borrowed */
    int *dirs;
    size_t depth, cap;
    int links;
};

static void walk_done(struct walk *w)
{
    while (w->depth)
        close(w->dirs[--w->depth]);
    free(w->dirs);
}
DEFINE_AUTO(walk, walk_done)

static int walk_here(const struct walk *w)
{
    return w->depth ? w->dirs[w->depth - 1] : w->root;
}

static void walk_push(struct walk *w, int fd)
{
    grow_array(w->dirs, w->depth, w->cap);
    w->dirs[w->depth++] = fd;
}

/* Puts the target of the link `fd` in front of *rest. */
static int follow(struct walk *w, int fd, char **rest)
{
    struct statfs sf;
    if (fstatfs(fd, &sf) < 0)
        return -errno;
    /* What readlink says of a magic link is not where the kernel would go: refuse all of /proc's.
     */
    if (++w->links > MAX_LINKS || sf.f_type == PROC_SUPER_MAGIC)
        return -ELOOP;
    auto_free char *target = NULL;
    int r = read_link_at(fd, "", &target, NULL);
    if (r < 0)
        return r;
    if (*target == '/')
        while (w->depth)
            close(w->dirs[--w->depth]);
    /* A slash more at the end would ask for a directory. */
    char *joined = **rest ? xasprintf("%s/%s", target, *rest) : xstrdup(target);
    free(*rest);
    *rest = joined;
    return 0;
}

/* Cuts the first component off *rest into `name`. False at the end of the path. */
static bool next_component(char **rest, char name[static NAME_MAX + 2], bool *ret_last)
{
    char *p = *rest + strspn(*rest, "/");
    size_t n = strcspn(p, "/");
    if (n == 0)
        return false;
    size_t keep = n > NAME_MAX ? NAME_MAX + 1 : n; /* too long stays too long: ENAMETOOLONG */
    memcpy(name, p, keep);
    name[keep] = 0;
    *ret_last = p[n + strspn(p + n, "/")] == 0;
    char *left = xstrdup(p + n);
    free(*rest);
    *rest = left;
    return true;
}

static int walk_open(int rootfd, const char *path, int flags, mode_t mode)
{
    auto_done(walk) struct walk w = {.root = rootfd};
    auto_free char *rest = xstrdup(path);
    char name[NAME_MAX + 2];
    bool last = false;
    while (next_component(&rest, name, &last)) {
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            if (w.depth)
                close(w.dirs[--w.depth]);
            continue;
        }
        auto_close int fd = openat(walk_here(&w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && !(errno == ENOENT && last && (flags & O_CREAT)))
            return -errno;
        struct stat st = {0};
        if (fd >= 0 && fstat(fd, &st) < 0)
            return -errno;
        bool slash = *rest == '/';
        bool exclusive = (flags & O_CREAT) && (flags & O_EXCL); /* a link there is EEXIST */
        bool keep_link = last && !slash && ((flags & O_NOFOLLOW) || exclusive);
        if (fd >= 0 && S_ISLNK(st.st_mode) && !keep_link) {
            int r = follow(&w, fd, &rest);
            if (r < 0)
                return r;
            continue;
        }
        if ((!last || slash) && !S_ISDIR(st.st_mode))
            return fd >= 0 ? -ENOTDIR : -EISDIR;
        if (last && !(fd >= 0 && S_ISDIR(st.st_mode) && !(flags & O_CREAT))) {
            int r = openat(walk_here(&w), name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
            return r < 0 ? -errno : r;
        }
        walk_push(&w, take_fd(&fd));
    }
    int r = openat(walk_here(&w), ".", flags & ~O_NOFOLLOW & ~O_CREAT, mode);
    if (r < 0)
        return -errno;
    fcntl(r, F_SETFD, FD_CLOEXEC);
    return r;
}

int safe_open(int rootfd, const char *path, int flags, mode_t mode)
{
    if (!openat2_forbidden()) {
        struct open_how how = {
            .flags = (unsigned)flags | O_CLOEXEC,
            /* openat2 refuses a mode where none is used; O_TMPFILE includes O_DIRECTORY. */
            .mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
            .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };
        for (int tries = 0; tries < 64; tries++) {
            long fd = syscall(SYS_openat2, rootfd, *path ? path : ".", &how, sizeof(how));
            if (fd >= 0)
                return (int)fd;
            if (errno != EAGAIN && errno != EINTR) /* EAGAIN: a rename raced with a ".." */
                break;
        }
        if (errno != ENOSYS && errno != EPERM)
            return -errno;
    }
    return walk_open(rootfd, path, flags, mode);
}

/* Where there is no openat2: what was opened must be called as it was asked for. */
static int open_and_compare(const char *path, int flags)
{
    auto_close int fd = open(path, flags | O_CLOEXEC);
    auto_free char *found = NULL;
    char name[32];
    if (fd < 0)
        return -errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    int r = read_link_at(AT_FDCWD, name, &found, NULL);
    if (r < 0)
        return r;
    return strcmp(found, path) == 0 ? take_fd(&fd) : -ELOOP;
}

int safe_open_no_links(const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    if (!openat2_forbidden()) {
        long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        if (errno != ENOSYS && errno != EPERM)
            return -errno;
    }
    return open_and_compare(path, flags);
}

int safe_mkdir_parents(int rootfd, const char *path, mode_t mode)
{
    auto_free char *clean = path_clean(path);
    auto_close int at = safe_open(rootfd, ".", O_PATH | O_DIRECTORY, 0);
    if (at < 0)
        return at;
    auto_buf sofar = {0};
    auto_strv parts = {0};
    strv_split(&parts, clean, '/');
    strv_foreach (&parts, part) {
        if (*part == 0 || strcmp(part, ".") == 0)
            continue;
        buf_printf(&sofar, "/%s", part);
        int next = safe_open(rootfd, buf_str(&sofar), O_PATH | O_DIRECTORY, 0);
        if (next == -ENOENT && strcmp(part, "..") != 0) {
            if (mkdirat(at, part, mode) < 0 && errno != EEXIST)
                return -errno;
            next = safe_open(rootfd, buf_str(&sofar), O_PATH | O_DIRECTORY, 0);
        }
        if (next < 0)
            return next;
        close(at);
        at = next;
    }
    return take_fd(&at);
}

void path_split(const char *path, char **ret_dir, char **ret_name)
{
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/')
        n--;
    size_t start = n;
    while (start > 0 && path[start - 1] != '/')
        start--;
    size_t dir = start;
    while (dir > 1 && path[dir - 1] == '/')
        dir--;
    *ret_name = n ? xstrndup(path + start, n - start) : xstrdup(".");
    *ret_dir = dir ? xstrndup(path, dir) : xstrdup(".");
}

char *path_clean(const char *path)
{
    bool absolute = *path == '/';
    auto_strv parts = {0}, kept = {0};
    strv_split(&parts, path, '/');
    strv_foreach (&parts, part) {
        if (*part == 0 || strcmp(part, ".") == 0)
            continue;
        bool can_pop = kept.len && strcmp(kept.v[kept.len - 1], "..") != 0;
        if (strcmp(part, "..") == 0 && (absolute || can_pop)) {
            if (can_pop)
                strv_remove(&kept, kept.len - 1);
            continue;
        }
        strv_add(&kept, part);
    }
    auto_free char *joined = strv_join(&kept, "/");
    if (absolute)
        return xasprintf("/%s", joined);
    return *joined ? take_ptr(joined) : xstrdup(".");
}

char *path_join(const char *base, const char *path)
{
    if (*path == '/')
        return path_clean(path);
    auto_free char *both = xasprintf("%s/%s", base, path);
    return path_clean(both);
}

int path_absolute(const char *path, char **ret, struct err *err)
{
    if (*path == '/') {
        *ret = xstrdup(path);
        return 0;
    }
    auto_free char *here = getcwd(NULL, 0);
    if (!here)
        return err_errno(err, -errno, "current directory");
    *ret = xasprintf("%s/%s", here, path);
    return 0;
}

bool path_is_within(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && (path[len] == 0 || path[len] == '/');
}
