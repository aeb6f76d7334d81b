/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing an overlay.
 *
 * Theory of operation. The layers are opened and checked, the work directory is locked for as long
 * as the overlay is open (two owners of one upper directory would both believe their tables), and
 * what an earlier owner left in it is swept. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/layer_tree.h"
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define TMP_DIR     "tmp"
#define PROBE       "user.wherry.probe"
#define PREFIX_MARK "prefix-whiteouts" /* in the work directory: whiteouts are ".wh." files */

static struct overlay *new_overlay(void)
{
    struct overlay *ov = new0(struct overlay);
    ov->upper_fd = ov->work_fd = ov->tmp_fd = -1;
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
        lim.rlim_cur = 1024;
    ov->max_fds = lim.rlim_cur / 2 < 8192 ? (size_t)lim.rlim_cur / 2 : 8192;
    return ov;
}

static int open_layers(struct overlay *ov, const struct overlay_options *o, struct err *err)
{
    ov->layers = xcalloc(o->n_layers ? o->n_layers : 1, sizeof(*ov->layers));
    for (size_t i = 0; i < o->n_layers; i++) {
        const struct overlay_layer_files *f = &o->layers[i];
        int r = f->dir       ? layer_open_tree(f->dir, &ov->layers[i], err)
                : f->checked ? layer_open_checked(f->tar, f->index, &ov->layers[i], err)
                             : layer_open(f->tar, f->index, &ov->layers[i], err);
        if (r < 0)
            return r;
        ov->n_layers++;
    }
    for (size_t i = 0; i < ov->n_layers; i++)
        if (ov->layers[i].tree)
            layer_tree_limit(&ov->layers[i], ov->max_fds / 4 / ov->n_layers);
    uint64_t base = 1;
    for (size_t i = ov->n_layers; i-- > 0;) {
        ov->layers[i].ino_base = base;
        base += ov->layers[i].header->inodes.count;
    }
    return 0;
}

/* Whether the file system lets us make a whiteout as overlayfs has them. What was once decided for
 * an upper directory stays, as its names are read by it. */
static int choose_whiteouts(struct overlay *ov)
{
    struct upath p;
    ov->prefix_whiteouts = exists_at(ov->work_fd, PREFIX_MARK);
    if (ov->prefix_whiteouts)
        return 0;
    tmp_upath(ov, &p);
    int r = upper_make_whiteout(&p, false);
    if (r == 0)
        return unlinkat(p.dirfd, p.rel, 0) < 0 ? -errno : 0;
    if (r != -EPERM && r != -EOPNOTSUPP && r != -EINVAL && r != -EACCES)
        return r;
    ov->prefix_whiteouts = true;
    auto_close int fd = openat(ov->work_fd, PREFIX_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : 0;
}

static int open_journal(struct overlay *ov, int work_fd, bool writable, struct err *err)
{
    struct stat st;
    if (fstat(ov->upper_fd, &st) < 0)
        return err_errno(err, -errno, "the writable layer");
    return journal_open(work_fd, st.st_ino, writable, &ov->journal, err);
}

/* Whether attributes have to be kept in a journal. One that is there says that it was so decided.
 */
static int choose_journal(struct overlay *ov, struct err *err)
{
    if (ov->style == UPPER_REAL)
        return 0;
    if (!exists_at(ov->work_fd, JOURNAL_FILE) &&
        (fsetxattr(ov->tmp_fd, PROBE, "", 0, 0) == 0 ||
         (errno != EOPNOTSUPP && errno != EPERM && errno != EACCES)))
        return 0;
    return open_journal(ov, ov->work_fd, true, err);
}

int overlay_settle(struct overlay *ov, bool all)
{
    return ov->journal && ov->sync ? journal_sync(ov->journal, !all) : 0;
}

static int open_upper(struct overlay *ov, const struct overlay_options *o, struct err *err)
{
    ov->upper_fd = open_dir_at(AT_FDCWD, o->upper, err);
    if (ov->upper_fd < 0)
        return ov->upper_fd;
    ov->work_fd = open_dir_at(AT_FDCWD, o->work, err);
    if (ov->work_fd < 0)
        return ov->work_fd;
    int r = lock_fd(ov->work_fd, true, false, err);
    if (r == -EWOULDBLOCK)
        return err_kind(err, ERR_IN_USE, -EBUSY, "%s is in use by another overlay", o->work);
    if (r == 0)
        r = remove_tree_at(ov->work_fd, TMP_DIR, err);
    if (r < 0)
        return r;
    ov->tmp_fd = open_made_dir_at(ov->work_fd, TMP_DIR, 0700, err);
    if (ov->tmp_fd < 0)
        return ov->tmp_fd;
    ov->sync = !o->no_sync;
    ov->style = o->real_owners ? UPPER_REAL : UPPER_VIRTUAL;
    r = choose_whiteouts(ov);
    if (r < 0)
        return err_errno(err, r, "write to %s", o->work);
    r = choose_journal(ov, err);
    return r < 0 ? err_wrap(err, "%s", o->work) : 0;
}

static int make_root(struct overlay *ov, const char *upper, struct err *err)
{
    struct node *n = ov->root = node_new(ov);
    struct lower_ref *refs = xcalloc(ov->n_layers + 1, sizeof(*refs));
    size_t count = 0;
    while (count < ov->n_layers) {
        refs[count] = (struct lower_ref){(uint32_t)count, 0};
        if (layer_is_opaque(&ov->layers[count++], 0))
            break;
    }
    node_set_lowers(n, refs, count);
    free(refs);
    n->v = (struct vattr){.mode = S_IFDIR | 0755};
    n->ino = ov->n_layers ? lower_ino(ov, n->lowers[0]) : upper_ino(1);
    ov->upper_st = (struct stat){.st_size = 4096, .st_nlink = 2};
    if (count) {
        lower_attr(ov, n->lowers, count, &n->v);
        n->default_acl = lower_default_acl(ov, n);
    }
    if (ov->upper_fd < 0)
        return 0;
    struct upath p;
    struct upper_object o;
    n->in_upper = true;
    int r = node_upath(ov, n, &p);
    if (r == 0)
        r = upper_read(&p, ov->style, &o);
    if (r < 0)
        return err_errno(err, r, "read %s", upper);
    if (o.opaque)
        node_set_lowers(n, NULL, 0);
    if (o.has_override || ov->style == UPPER_REAL)
        n->v = o.v;
    n->default_acl |= o.default_acl;
    if (!S_ISDIR(n->v.mode))
        return err_set(err, -EIO, "%s has damaged attributes", upper);
    bool fresh = ov->tmp_fd >= 0 && n->n_lowers && !o.ino && ov->style == UPPER_VIRTUAL;
    r = fresh ? node_dress_root(ov) : 0;
    return r < 0 ? err_errno(err, r, "write to %s", upper) : 0;
}

int overlay_open(const struct overlay_options *o, struct overlay **ret, struct err *err)
{
    auto_overlay ov = new_overlay();
    int r = open_layers(ov, o, err);
    if (r == 0 && o->upper)
        r = open_upper(ov, o, err);
    if (r == 0)
        r = make_root(ov, o->upper, err);
    if (r == 0)
        *ret = take_ptr(ov);
    return r;
}

int overlay_open_for_changes(const struct overlay_options *o, struct overlay **ret, struct err *err)
{
    if (!o->upper)
        return overlay_open(o, ret, err);
    auto_overlay ov = new_overlay();
    int r = open_layers(ov, o, err);
    if (r < 0)
        return r;
    ov->upper_fd = open_dir_at(AT_FDCWD, o->upper, err);
    if (ov->upper_fd < 0)
        return ov->upper_fd;
    auto_close int work = open_dir_at(AT_FDCWD, o->work, err);
    if (work < 0)
        return work;
    ov->prefix_whiteouts = exists_at(work, PREFIX_MARK);
    r = exists_at(work, JOURNAL_FILE) ? open_journal(ov, work, false, err) : 0;
    if (r < 0)
        return err_wrap(err, "%s", o->work);
    r = make_root(ov, o->upper, err);
    if (r == 0)
        *ret = take_ptr(ov);
    return r;
}

/* The nodes that the kernel still knows go with everything else. */
static void free_nodes(struct overlay *ov)
{
    for (size_t i = 0; i < ov->by_id.n_slots; i++) {
        struct node *n = ov->by_id.slots[i].key ? ov->by_id.slots[i].value : NULL;
        if (!n)
            continue;
        node_close_fd(ov, n);
        if (n->dir)
            dir_free(n->dir);
        if (n->lowers != &n->lower_room)
            free(n->lowers);
        free(n);
    }
    idmap_done(&ov->by_id);
    idmap_done(&ov->by_ino);
}

void overlay_close(struct overlay *ov)
{
    free_nodes(ov);
    if (ov->journal)
        journal_close(ov->journal);
    free(ov->kept);
    for (size_t i = 0; i < ov->n_layers; i++)
        layer_close(&ov->layers[i]);
    free(ov->layers);
    close_fd(&ov->tmp_fd);
    if (ov->work_fd >= 0)
        unlinkat(ov->work_fd, TMP_DIR, AT_REMOVEDIR);
    close_fd(&ov->work_fd);
    close_fd(&ov->upper_fd);
    free(ov);
}
