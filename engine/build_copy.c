/* SPDX-License-Identifier: Apache-2.0 */
/* COPY and ADD into an overlay.
 *
 * Docker's rules: a directory's contents are copied, not itself; a file goes to DEST when that is a
 * name and into it when it ends in '/' or is a directory; several sources need DEST/; missing
 * parents are made 0755 0:0; the destination's links are followed inside the image; owners are 0:0
 * unless
 * --chown says otherwise or the source is an image; a directory that exists keeps its attributes
 * when it is DEST itself and gets the source's below it. */
#include "engine/build_copy.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"
#include "engine/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct copier {
    struct overlay *to;
    const struct build_source *from;
    struct copy_attr attr;
    bool unpack;
};

static struct overlay_attr attributes(const struct copier *c, const struct stat *st)
{
    struct overlay_attr a = {.mode = st->st_mode & 07777, .mtime = st->st_mtim};
    if (c->from->keep_owners) {
        a.uid = st->st_uid;
        a.gid = st->st_gid;
    }
    if (c->attr.has_owner) {
        a.uid = c->attr.uid;
        a.gid = c->attr.gid;
    }
    if (c->attr.chmod && !S_ISLNK(st->st_mode))
        a.mode = copy_mode(c->attr.chmod, a.mode, S_ISDIR(st->st_mode));
    a.mode |= st->st_mode & S_IFMT;
    return a;
}

static int make_parents(const struct copier *c, const char *path, struct err *err)
{
    auto_free char *dir = NULL, *name = NULL;
    path_split(path, &dir, &name);
    struct overlay_attr a = {.mode = 0755, .mtime = time_now()};
    if (c->attr.has_owner) {
        a.uid = c->attr.uid;
        a.gid = c->attr.gid;
    }
    return strcmp(dir, ".") == 0 ? 0 : overlay_mkdirs(c->to, dir, &a, err);
}

static int copy_file(const struct copier *c, const char *path, const char *dest,
                     const struct stat *st, struct err *err)
{
    auto_close int fd = source_open(c->from, path);
    if (fd < 0)
        return err_errno(err, fd, "open %s", path);
    struct overlay_attr a = attributes(c, st);
    return overlay_put_file(c->to, dest, &a, fd, err);
}

static int copy_link(const struct copier *c, const char *path, const char *dest,
                     const struct stat *st, struct err *err)
{
    auto_free char *target = NULL;
    int r = source_readlink(c->from, path, &target);
    if (r < 0)
        return err_errno(err, r, "read link %s", path);
    struct overlay_attr a = attributes(c, st);
    return overlay_put_symlink(c->to, dest, target, &a, err);
}

/* Whatever stands at `dest` and cannot become a directory is replaced. */
static int make_directory(const struct copier *c, const char *dest, const struct stat *st,
                          bool keep_existing, struct err *err)
{
    struct stat there;
    struct overlay_attr a = attributes(c, st);
    int r = overlay_stat(c->to, dest, OVERLAY_NOFOLLOW, &there);
    if (r == 0 && S_ISDIR(there.st_mode))
        return keep_existing ? 0 : overlay_set_attr(c->to, dest, &a, err);
    if (r == 0)
        r = overlay_remove(c->to, dest, err);
    else if (r == -ENOENT)
        r = 0;
    return r < 0 ? r : overlay_mkdirs(c->to, dest, &a, err);
}

/* A directory's mtime is set again once its entries are in. */
static int restore_time(const struct copier *c, const char *dest, const struct stat *st,
                        struct err *err)
{
    struct overlay_attr a = attributes(c, st);
    return overlay_set_attr(c->to, dest, &a, err);
}

static int copy_entry(const struct copier *c, const char *path, const char *dest, bool top,
                      struct err *err);

static int copy_contents(const struct copier *c, const char *path, const char *dest,
                         struct err *err)
{
    auto_strv names = {0};
    int r = source_list(c->from, path, &names);
    if (r < 0)
        return err_errno(err, r, "read directory %s", *path ? path : ".");
    strv_foreach (&names, name) {
        auto_free char *from = *path ? xasprintf("%s/%s", path, name) : xstrdup(name);
        auto_free char *to = xasprintf("%s/%s", strcmp(dest, "/") == 0 ? "" : dest, name);
        if (source_pruned(c->from, from))
            continue;
        r = copy_entry(c, from, to, false, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int copy_directory(const struct copier *c, const char *path, const char *dest,
                          const struct stat *st, bool top, struct err *err)
{
    bool ignored = source_ignored(c->from, path); /* only its exceptions are wanted */
    int r = make_directory(c, dest, st, top || ignored, err);
    if (r == 0)
        r = copy_contents(c, path, dest, err);
    return r < 0 || top || ignored ? r : restore_time(c, dest, st, err);
}

/* `top`: named by the instruction itself: links are followed, an existing directory is kept. */
static int copy_entry(const struct copier *c, const char *path, const char *dest, bool top,
                      struct err *err)
{
    struct stat st;
    int r = source_stat(c->from, path, top, &st);
    if (r < 0)
        return err_errno(err, r, "%s", path);
    if (S_ISDIR(st.st_mode))
        return copy_directory(c, path, dest, &st, top, err);
    if (source_ignored(c->from, path))
        return 0;
    if (S_ISREG(st.st_mode))
        return copy_file(c, path, dest, &st, err);
    if (S_ISLNK(st.st_mode))
        return copy_link(c, path, dest, &st, err);
    if (S_ISSOCK(st.st_mode))
        return 0; /* a socket without its server is nothing */
    struct overlay_attr a = attributes(c, &st);
    return overlay_put_node(c->to, dest, &a, st.st_rdev, err);
}

/* --- one instruction ----------------------------------------------------------------------- */

static bool is_directory(struct overlay *ov, const char *path)
{
    struct stat st;
    return overlay_stat(ov, path, 0, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where the file `name` goes. */
static char *file_target(const char *dest, bool into, const char *name)
{
    const char *slash = strrchr(name, '/');
    return into ? path_join(dest, slash ? slash + 1 : name) : xstrdup(dest);
}

/* ADD: a local file that is a tar is unpacked. *ret_done tells whether it was one. */
static int try_unpack(const struct copier *c, const char *path, const char *dest, bool *ret_done,
                      struct err *err)
{
    auto_close int fd = source_open(c->from, path);
    if (fd < 0)
        return err_errno(err, fd, "open %s", path);
    *ret_done = unpack_is_archive(fd);
    if (!*ret_done)
        return 0;
    struct overlay_attr a = {.mode = 0755, .mtime = time_now()};
    int r = overlay_mkdirs(c->to, dest, &a, err);
    if (r == 0)
        r = unpack_into(c->to, dest, fd, c->from, c->attr.has_owner ? &c->attr : NULL, err);
    return r < 0 ? err_wrap(err, "unpack %s", path) : 0;
}

static int copy_one_source(const struct copier *c, const char *path, const char *dest, bool into,
                           struct err *err)
{
    struct stat st;
    int r = source_stat(c->from, path, true, &st);
    if (r < 0)
        return err_errno(err, r, "%s", *path ? path : ".");
    bool done = false;
    if (c->unpack && S_ISREG(st.st_mode))
        r = try_unpack(c, path, dest, &done, err);
    if (r < 0 || done)
        return r;
    auto_free char *target = S_ISDIR(st.st_mode) ? xstrdup(dest) : file_target(dest, into, path);
    r = make_parents(c, target, err);
    return r < 0 ? r : copy_entry(c, path, target, true, err);
}

static int copy_inline(const struct copier *c, const struct build_inline *file, const char *dest,
                       bool into, struct err *err)
{
    auto_free char *target = file_target(dest, into, file->name);
    int r = make_parents(c, target, err);
    auto_close int fd = r < 0 ? -1 : memfd_create("inline", MFD_CLOEXEC);
    if (r == 0 &&
        (fd < 0 || (r = write_full(fd, file->data, file->len)) < 0 || lseek(fd, 0, SEEK_SET) < 0))
        return err_errno(err, r < 0 ? r : -errno, "inline file %s", file->name);
    struct stat st = {.st_mode = S_IFREG | 0644, .st_mtim = time_now()};
    struct overlay_attr a = attributes(c, &st);
    return r < 0 ? r : overlay_put_file(c->to, target, &a, fd, err);
}

static int expand_sources(const struct copier *c, const struct build_copy *copy, struct strv *ret,
                          struct err *err)
{
    for (size_t i = 0; copy->sources && i < copy->sources->len; i++) {
        int r = source_expand(c->from, copy->sources->v[i], ret, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int copy_into(struct overlay *to, const struct build_source *from, const struct build_copy *copy,
              struct err *err)
{
    struct copier c = {.to = to, .from = from, .unpack = copy->unpack};
    c.attr.chmod = copy->chmod;
    int r = 0;
    if (copy->chown && *copy->chown) {
        c.attr.has_owner = true;
        r = copy_resolve_owner(to, copy->chown, &c.attr.uid, &c.attr.gid, err);
    }
    auto_strv paths = {0};
    if (r == 0)
        r = expand_sources(&c, copy, &paths, err);
    auto_free char *dest = NULL;
    if (r == 0 && (r = overlay_realpath(to, copy->dest, true, &dest)) < 0)
        return err_errno(err, r, "destination %s", copy->dest);
    if (r < 0)
        return r;
    size_t n = strlen(copy->dest);
    bool into = (n && copy->dest[n - 1] == '/') || is_directory(to, dest);
    if (paths.len + copy->n_inlines > 1 && !into)
        return err_set(err, -ENOTDIR,
                       "when using more than one source, the destination must be a directory and "
                       "end with a /");
    for (size_t i = 0; r == 0 && i < paths.len; i++)
        r = copy_one_source(&c, paths.v[i], dest, into, err);
    for (size_t i = 0; r == 0 && i < copy->n_inlines; i++)
        r = copy_inline(&c, &copy->inlines[i], dest, into, err);
    return r;
}
