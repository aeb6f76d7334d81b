/* SPDX-License-Identifier: Apache-2.0 */
/* A layer from what changed in a writable directory.
 *
 * Theory of operation. The changes come parents first and sorted; a whiteout stands among its
 * siblings by name. The image specification wants it before them, so there are two walks: the first
 * only collects whiteouts by directory, the second writes, and puts a directory's whiteouts behind
 * its own entry and before anything in it. The upper may change between the walks (a commit without
 * pause): a whiteout that only the second sees is written where it is met, which every reader
 * accepts, because whiteouts hide lower layers only.
 *
 * The format is pax: ustar headers, with an extended header where ustar cannot hold something:
 * fractions of a second, long names, large ids, extended attributes. Names are bytes, whatever
 * their encoding. */
#include "store/pack.h"

#include "base/alloc.h"
#include "base/file.h"
#include "store/layer_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <string.h>
#include <sys/sysmacros.h>

#define CHUNK (256 * 1024)

struct whiteout {
    char *dir; /* "" for the root */
    char *name;
    bool written;
};

struct pack {
    const struct content_changes *changes;
    struct whiteout *whiteouts; /* sorted by dir, then name */
    size_t n_whiteouts, cap;
    struct strv left_out; /* files with more links that skip() left out */
    struct archive *archive;
    content_write_fn write;
    void *write_arg;
    struct err *write_err;
    int write_error; /* what write() said under libarchive */
    uint64_t written;
    bool layer; /* names that mean something else in a layer are errors */
    bool any;
    char *chunk;
};

static void pack_done(struct pack *p)
{
    for (size_t i = 0; i < p->n_whiteouts; i++) {
        free(p->whiteouts[i].dir);
        free(p->whiteouts[i].name);
    }
    free(p->whiteouts);
    strv_done(&p->left_out);
    if (p->archive)
        archive_write_free(p->archive);
    free(p->chunk);
}
DEFINE_AUTO(pack, pack_done)

/* A socket has no place in a tar, and what it stands over must not come back. */
static bool is_whiteout(const struct overlay_change *c)
{
    return c->kind == OVERLAY_WHITEOUT || (S_ISSOCK(c->st.st_mode) && c->in_lower);
}

static bool skipped(const struct pack *p, const struct overlay_change *c)
{
    const struct content_changes *o = p->changes;
    if (S_ISSOCK(c->st.st_mode) && !c->in_lower)
        return true;
    return o->skip && o->skip(o->skip_arg, c);
}

static bool is_root(const char *path)
{
    return *path == 0 || strcmp(path, ".") == 0;
}

/* --- whiteouts ---------------------------------------------------------------------------- */

static int collect(void *arg, const struct overlay_change *c, struct err *err)
{
    struct pack *p = arg;
    if (!is_whiteout(c) || skipped(p, c))
        return 0;
    const char *slash = strrchr(c->path, '/');
    grow_array(p->whiteouts, p->n_whiteouts, p->cap);
    p->whiteouts[p->n_whiteouts++] = (struct whiteout){
        .dir = xstrndup(c->path, slash ? (size_t)(slash - c->path) : 0),
        .name = xstrdup(slash ? slash + 1 : c->path),
    };
    return 0;
}

static int by_directory(const void *a, const void *b)
{
    const struct whiteout *x = a, *y = b;
    int d = strcmp(x->dir, y->dir);
    return d ? d : strcmp(x->name, y->name);
}

/* Index of the first whiteout of `dir`, or where it would be. */
static size_t first_of(const struct pack *p, const char *dir, size_t len)
{
    size_t lo = 0, hi = p->n_whiteouts;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const char *d = p->whiteouts[mid].dir;
        int c = strncmp(d, dir, len);
        if (c < 0) /* a prefix of `dir` is smaller; one that goes on behind it is larger */
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* --- entries ------------------------------------------------------------------------------ */

static int failed(const struct pack *p, const char *path, struct err *err)
{
    if (p->write_error < 0)
        return err_set(err, p->write_error, "%s", p->write_err->message);
    return err_set(err, -EIO, "write %.300s to the layer: %s", path,
                   archive_error_string(p->archive));
}

static int write_entry(struct pack *p, struct archive_entry *e, struct err *err)
{
    p->any = true;
    int q = archive_write_header(p->archive, e); /* it warns of names that are not UTF-8 */
    return q == ARCHIVE_OK || q == ARCHIVE_WARN ? 0 : failed(p, archive_entry_pathname(e), err);
}

/* An empty regular file that stands for something absent or hidden. */
static int write_mark(struct pack *p, const char *dir, const char *prefix, const char *name,
                      struct err *err)
{
    auto_free char *path = xasprintf("%s%s%s%s", dir, *dir ? "/" : "", prefix, name);
    struct archive_entry *e = archive_entry_new();
    archive_entry_copy_pathname(e, path);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    archive_entry_set_size(e, 0);
    archive_entry_set_mtime(e, 0, 0);
    int r = write_entry(p, e, err);
    archive_entry_free(e);
    return r;
}

/* Writes the whiteouts of the directory that is the first `len` bytes of `path`. */
static int flush_directory(struct pack *p, const char *path, size_t len, struct err *err)
{
    for (size_t i = first_of(p, path, len); i < p->n_whiteouts; i++) {
        struct whiteout *w = &p->whiteouts[i];
        if (strncmp(w->dir, path, len) != 0 || w->dir[len] != 0)
            return 0;
        if (w->written)
            continue;
        w->written = true;
        int r = write_mark(p, w->dir, ".wh.", w->name, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Those of all directories above `path`. */
static int flush_parents(struct pack *p, const char *path, struct err *err)
{
    int r = p->n_whiteouts ? flush_directory(p, path, 0, err) : 0;
    for (const char *s = path; p->n_whiteouts && r == 0 && (s = strchr(s, '/')); s++)
        r = flush_directory(p, path, (size_t)(s - path), err);
    return r;
}

static void fill_entry(struct archive_entry *e, const struct overlay_change *c, bool hard_link)
{
    archive_entry_copy_pathname(e, is_root(c->path) ? "." : c->path);
    archive_entry_set_mode(e, c->st.st_mode);
    archive_entry_set_uid(e, c->st.st_uid);
    archive_entry_set_gid(e, c->st.st_gid);
    archive_entry_set_mtime(e, c->st.st_mtim.tv_sec, c->st.st_mtim.tv_nsec);
    if (hard_link) {
        archive_entry_copy_hardlink(e, c->hard_link);
        return; /* attributes come with the first of the links */
    }
    archive_entry_set_size(e, S_ISREG(c->st.st_mode) ? c->st.st_size : 0);
    if (S_ISLNK(c->st.st_mode))
        archive_entry_copy_symlink(e, c->link);
    if (S_ISCHR(c->st.st_mode) || S_ISBLK(c->st.st_mode)) {
        archive_entry_set_rdevmajor(e, major(c->st.st_rdev));
        archive_entry_set_rdevminor(e, minor(c->st.st_rdev));
    }
    /* Access control lists too are SCHILY.xattr.system.posix_acl_*, as the kernel has them: that is
     * what containers/storage and moby set again as they unpack a layer (createTarFile() in their
     * pkg/archive), and they do not look at the text of SCHILY.acl.*. The mode has the mask's bits
     * for the group, so their chmod() afterwards leaves the list as it was. */
    for (size_t i = 0; i < c->n_xattrs; i++)
        archive_entry_xattr_add_entry(e, c->xattrs[i].name, c->xattrs[i].value, c->xattrs[i].len);
}

static int write_data(struct pack *p, const struct overlay_change *c, struct err *err)
{
    uint64_t size = (uint64_t)c->st.st_size;
    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
        ssize_t n = overlay_change_read(c, p->chunk, want, at);
        if (n < 0)
            return err_errno(err, (int)n, "read %.300s", c->path);
        if (n == 0) { /* it shrank while it was read: tar fills it up, too */
            memset(p->chunk, 0, want);
            n = (ssize_t)want;
        }
        if (archive_write_data(p->archive, p->chunk, (size_t)n) != n)
            return failed(p, c->path, err);
        at += (uint64_t)n;
    }
    return 0;
}

static int write_change(struct pack *p, const struct overlay_change *c, struct err *err)
{
    bool regular = S_ISREG(c->st.st_mode);
    bool hard_link = c->hard_link && !strv_contains(&p->left_out, c->hard_link);
    if (regular && !hard_link && c->fd < 0 && !c->node)
        return err_set(err, -EIO, "%.300s is a link to a file that is left out", c->path);
    struct archive_entry *e = archive_entry_new();
    fill_entry(e, c, hard_link);
    int r = write_entry(p, e, err);
    archive_entry_free(e);
    if (r == 0 && regular && !hard_link)
        r = write_data(p, c, err);
    if (r < 0 || !S_ISDIR(c->st.st_mode))
        return r;
    const char *dir = is_root(c->path) ? "" : c->path;
    if (c->opaque)
        r = write_mark(p, dir, ".wh..wh..opq", "", err);
    return r < 0 ? r : flush_directory(p, dir, strlen(dir), err);
}

/* Every reader of layers takes such a name for the removal of another one (OCI image spec,
 * layer.md), so the file cannot be kept, and must not take something else with it. */
static int check_name(const struct overlay_change *c, struct err *err)
{
    const char *slash = strrchr(c->path, '/'), *name = slash ? slash + 1 : c->path;
    if (c->kind == OVERLAY_WHITEOUT || strncmp(name, ".wh.", 4) != 0)
        return 0;
    return err_set(err, -EINVAL,
                   "/%.300s cannot be in a layer: names that begin with .wh. stand for removals",
                   c->path);
}

static int write_one(void *arg, const struct overlay_change *c, struct err *err)
{
    struct pack *p = arg;
    int r = p->layer ? check_name(c, err) : 0;
    if (r < 0)
        return r;
    if (skipped(p, c)) {
        if (c->kind == OVERLAY_ENTRY && c->st.st_nlink > 1 && !S_ISDIR(c->st.st_mode))
            strv_add(&p->left_out, c->path);
        return 0;
    }
    r = is_root(c->path) ? 0 : flush_parents(p, c->path, err);
    if (r < 0)
        return r;
    if (!is_whiteout(c))
        return write_change(p, c, err);
    const char *slash = strrchr(c->path, '/');
    auto_free char *dir = xstrndup(c->path, slash ? (size_t)(slash - c->path) : 0);
    const char *name = slash ? slash + 1 : c->path;
    struct whiteout key = {.dir = dir, .name = (char *)name};
    if (p->n_whiteouts && bsearch(&key, p->whiteouts, p->n_whiteouts, sizeof(key), by_directory))
        return 0; /* written with its directory */
    return write_mark(p, dir, ".wh.", name, err);
}

static int flush_rest(struct pack *p, struct err *err)
{
    int r = 0;
    for (size_t i = 0; i < p->n_whiteouts && r == 0; i++)
        if (!p->whiteouts[i].written)
            r = flush_directory(p, p->whiteouts[i].dir, strlen(p->whiteouts[i].dir), err);
    return r;
}

/* --- the archive -------------------------------------------------------------------------- */

static la_ssize_t write_callback(struct archive *a, void *arg, const void *data, size_t len)
{
    struct pack *p = arg;
    int r = p->write(p->write_arg, data, len, p->write_err);
    p->written += len;
    if (r == 0 && p->changes->progress)
        p->changes->progress(p->changes->progress_arg, p->written, 0);
    if (r == 0)
        return (la_ssize_t)len;
    p->write_error = r;
    archive_set_error(a, -r, "%s", p->write_err->message);
    return -1;
}

static int open_archive(struct pack *p, struct err *err)
{
    struct archive *a = p->archive = archive_write_new();
    p->chunk = xcalloc(1, CHUNK);
    if (!a || archive_write_set_format_pax(a) != ARCHIVE_OK ||
        archive_write_set_format_option(a, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(a, CHUNK) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
        archive_write_open(a, p, NULL, write_callback, NULL) != ARCHIVE_OK)
        return err_set(err, -EIO, "write a tar: %s", a ? archive_error_string(a) : "no memory");
    return 0;
}

/* What the walk calls for each entry. */
typedef int (*walk_fn)(const struct overlay_options *o,
                       int (*fn)(void *arg, const struct overlay_change *c, struct err *err),
                       void *arg, struct err *err);

static int pack(const struct content_changes *changes, bool layer, content_write_fn write,
                void *arg, bool *ret_any, struct err *err)
{
    struct err write_err = {0};
    walk_fn walk = changes->whole ? overlay_everything : overlay_changes;
    auto_done(pack) struct pack p = {.changes = changes,
                                     .layer = layer,
                                     .write = write,
                                     .write_arg = arg,
                                     .write_err = &write_err};
    int r = changes->whole ? 0 : walk(changes->overlay, collect, &p, err);
    if (r < 0)
        return r;
    if (p.n_whiteouts)
        qsort(p.whiteouts, p.n_whiteouts, sizeof(*p.whiteouts), by_directory);
    if ((r = open_archive(&p, err)) < 0 || (r = walk(changes->overlay, write_one, &p, err)) < 0 ||
        (r = flush_rest(&p, err)) < 0)
        return r;
    if (archive_write_close(p.archive) != ARCHIVE_OK)
        return failed(&p, "the end", err);
    *ret_any = p.any;
    return 0;
}

/* libarchive takes names for text of the locale: in this one they stay as they are. Only this
 * thread sees the change. */
int pack_tar(const struct content_changes *changes, bool layer, content_write_fn write, void *arg,
             bool *ret_any, struct err *err)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        return err_set(err, -ENOENT, "the locale C.UTF-8 is missing on this machine");
    locale_t before = uselocale(utf8);
    int r = pack(changes, layer, write, arg, ret_any, err);
    uselocale(before);
    freelocale(utf8);
    return r;
}

static int add_to_layer(void *arg, const void *data, size_t len, struct err *err)
{
    return layer_writer_add(arg, data, len, err);
}

int content_layer_from_changes(struct store *s, const struct content_changes *changes,
                               struct content_layer *ret, bool *ret_empty, struct err *err)
{
    auto_ptr(layer_writer) struct layer_writer *w = NULL;
    char diff_id[72];
    bool any = false;
    int r = layer_writer_new(s, &w, err);
    if (r == 0)
        r = pack_tar(changes, true, add_to_layer, w, &any, err);
    if (r == 0 && any)
        r = layer_writer_finish(w, diff_id, err);
    if (r == 0 && any)
        r = layer_writer_publish(w, ret, err);
    if (r == 0)
        *ret_empty = !any;
    return r;
}

int content_export(const struct content_changes *changes, content_write_fn write, void *arg,
                   struct err *err)
{
    bool any;
    return pack_tar(changes, false, write, arg, &any, err);
}
