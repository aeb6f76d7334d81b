/* SPDX-License-Identifier: Apache-2.0 */
/* Where COPY and ADD read from. */
#include "engine/build_source.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"
#include "builder/glob.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *or_root(const char *path)
{
    return *path ? path : ".";
}

int source_stat(const struct build_source *s, const char *path, bool follow, struct stat *ret)
{
    if (s->overlay)
        return overlay_stat(s->overlay, *path ? path : "/", follow ? 0 : OVERLAY_NOFOLLOW, ret);
    auto_close int fd = safe_open(s->root_fd, or_root(path), O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return fd;
    return fstat(fd, ret) < 0 ? -errno : 0;
}

int source_readlink(const struct build_source *s, const char *path, char **ret)
{
    if (s->overlay)
        return overlay_readlink(s->overlay, path, ret);
    auto_close int fd = safe_open(s->root_fd, path, O_PATH | O_NOFOLLOW, 0);
    return fd < 0 ? fd : read_link_at(fd, "", ret, NULL);
}

static int add_name(void *arg, const char *name, const struct stat *st)
{
    strv_add(arg, name);
    return 0;
}

int source_list(const struct build_source *s, const char *path, struct strv *ret)
{
    if (s->overlay)
        return overlay_list(s->overlay, *path ? path : "/", add_name, ret);
    auto_close int fd = safe_open(s->root_fd, or_root(path), O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? fd : list_dir_at(fd, ".", ret, NULL);
}

int source_spool(const struct build_source *s)
{
    int fd = openat(s->spool_dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd < 0 ? -errno : fd;
    /* NFS and others have no unnamed files: one loses its name at once. */
    fd = openat(s->spool_dir, "spool", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    unlinkat(s->spool_dir, "spool", 0);
    return fd;
}

/* An image's file is copied to an unnamed one: the overlay has bytes, not descriptors. */
static int spool(const struct build_source *s, const char *path)
{
    auto_close int fd = source_spool(s);
    if (fd < 0)
        return fd;
    const size_t room = 1 << 20;
    auto_free char *chunk = xcalloc(1, room);
    uint64_t offset = 0;
    for (;;) {
        ssize_t n = overlay_read(s->overlay, path, chunk, room, offset);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        int r = write_full(fd, chunk, (size_t)n);
        if (r < 0)
            return r;
        offset += (uint64_t)n;
    }
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    return take_fd(&fd);
}

int source_open(const struct build_source *s, const char *path)
{
    return s->overlay ? spool(s, path)
                      : safe_open(s->root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
}

bool source_ignored(const struct build_source *s, const char *path)
{
    return s->ignore && *path && ignore_match(s->ignore, path);
}

bool source_pruned(const struct build_source *s, const char *path)
{
    return s->ignore && *path && ignore_prune(s->ignore, path);
}

/* Walks the components of a pattern; `base` is what matched so far. */
static int expand_below(const struct build_source *s, const char *base, const char *pattern,
                        struct strv *ret, struct err *err)
{
    const char *slash = strchrnul(pattern, '/');
    auto_free char *component = xstrndup(pattern, (size_t)(slash - pattern));
    auto_strv names = {0};
    int r = source_list(s, base, &names);
    if (r == -ENOTDIR || r == -ENOENT)
        return 0;
    if (r < 0)
        return err_errno(err, r, "read %s", base);
    strv_foreach (&names, name) {
        bool match = false;
        r = glob_match(component, name, &match, err);
        if (r < 0)
            return r;
        auto_free char *path = *base ? xasprintf("%s/%s", base, name) : xstrdup(name);
        if (!match || source_pruned(s, path))
            continue;
        if (*slash)
            r = expand_below(s, path, slash + 1, ret, err);
        else if (!source_ignored(s, path))
            strv_add(ret, path);
        if (r < 0)
            return r;
    }
    return 0;
}

int source_expand(const struct build_source *s, const char *pattern, struct strv *ret,
                  struct err *err)
{
    /* Cleaned as an absolute path, so ".." never leaves the root; docker does the same. */
    auto_free char *absolute = path_join("/", pattern);
    const char *clean = absolute + 1;
    size_t before = ret->len;
    if (glob_has_magic(clean)) {
        int r = expand_below(s, "", clean, ret, err);
        if (r < 0)
            return r;
        return ret->len > before
                   ? 0
                   : err_kind(err, ERR_NOT_FOUND, -ENOENT, "no file matches \"%s\"", pattern);
    }
    struct stat st;
    int r = source_stat(s, clean, true, &st);
    if (r == 0 && source_ignored(s, clean) && !(S_ISDIR(st.st_mode) && !source_pruned(s, clean)))
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "\"%s\" is excluded by .dockerignore",
                        pattern);
    if (r < 0)
        return err_errno(err, r, "\"%s\" in the %s", pattern,
                         s->overlay ? "image" : "build context");
    strv_add(ret, clean);
    return 0;
}
