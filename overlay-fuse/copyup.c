/* SPDX-License-Identifier: Apache-2.0 */
/* Copying objects of the layers into the upper directory.
 *
 * Theory of operation. A copy is made in the work directory with its data, attributes, extended
 * attributes and times, and then renamed to its place: what is visible is whole. The parents are
 * copied before. All names that an object has in its layer and that are still visible are linked to
 * the one copy, so that they stay one object for every later reader of the upper directory. A
 * change of attributes alone copies no data: the copy is a hole of the right size with a mark, and
 * the layer's data is read until somebody writes. The parents' times are put back, for nothing that
 * the container can see has changed. A failure leaves the lower object in charge. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/node.h"

#include <fcntl.h>
#include <string.h>

/* As copy_file_range(), through a buffer. */
static ssize_t copy_block(int in, uint64_t from, int out, uint64_t to, uint64_t len)
{
    char block[65536];
    ssize_t n = pread_full(in, block, len < sizeof(block) ? len : sizeof(block), (off_t)from);
    if (n <= 0)
        return n;
    ssize_t put = pwrite(out, block, (size_t)n, (off_t)to); /* the next one says why it was less */
    return put < 0 ? -errno : put;
}

/* Bytes of the tar into a file: in the kernel where it can, else through a buffer. */
static int copy_range(int in, uint64_t from, int out, uint64_t to, uint64_t len)
{
    while (len) {
        off_t i = (off_t)from, o = (off_t)to;
        ssize_t n = copy_file_range(in, &i, out, &o, len, 0);
        if (n < 0 &&
            (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
            n = copy_block(in, from, out, to, len);
        } else if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (n <= 0) /* the tar ends where its index says it does not */
            return n < 0 ? (int)n : -EIO;
        from += (uint64_t)n;
        to += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

/* The same from a file of a directory layer, holes kept. */
static int copy_file_data(int in, int fd, uint64_t size)
{
    struct stat st;
    if (fstat(in, &st) < 0)
        return -errno;
    if (size > (uint64_t)st.st_size)
        size = (uint64_t)st.st_size;
    for (off_t at = 0; at < (off_t)size;) {
        off_t data = lseek(in, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? (off_t)size : lseek(in, data, SEEK_HOLE);
        if (data < 0)
            data = at; /* it does not know of holes */
        if (data >= (off_t)size)
            break;
        if (hole < 0 || hole > (off_t)size)
            hole = (off_t)size;
        int r = copy_range(in, (uint64_t)data, fd, (uint64_t)data, (uint64_t)(hole - data));
        if (r < 0)
            return r;
        at = hole;
    }
    return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int copy_data(const struct layer *l, const struct index_inode *in, int fd, uint64_t size)
{
    if (l->tree) {
        int from = layer_tree_file(l, (uint32_t)(in - l->inodes));
        return from < 0 ? from : copy_file_data(from, fd, size);
    }
    if (size > in->size)
        size = in->size;
    for (uint32_t i = 0; i < in->count; i++) {
        const struct index_extent *x = &l->extents[in->first + i];
        if (x->start >= size)
            break;
        uint64_t len = x->len < size - x->start ? x->len : size - x->start;
        int r = copy_range(l->tar_fd, x->tar_offset, fd, x->start, len);
        if (r < 0)
            return r;
    }
    return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

/* Of real owners, where the file system bears no such attributes, as of overlayfs. What guards the
 * object must not be lost. */
static bool may_be_lost(const char *name, enum upper_style style)
{
    return style == UPPER_REAL && strncmp(name, "system.", 7) != 0 &&
           strncmp(name, "security.", 9) != 0;
}

/* Everything in the file's copy but what is already there. */
static int copy_xattrs(const struct overlay *ov, const struct layer *l,
                       const struct index_inode *in, const struct upath *p)
{
    int need = layer_need_xattrs(l, (uint32_t)(in - l->inodes));
    if (need < 0)
        return need;
    for (uint32_t i = 0; i < in->n_xattrs; i++) {
        const struct index_xattr *x = &l->xattrs[in->first_xattr + i];
        char shown[256], room[XATTR_NAME_MAX + 1];
        const char *disk;
        memcpy(shown, l->heap + x->name, x->name_len);
        shown[x->name_len] = 0;
        if (ov->style == UPPER_REAL && upper_xattr_is_ours(shown))
            continue; /* they would mean something there */
        int r = upper_xattr_name(shown, ov->style, room, &disk);
        if (r == 0)
            r = upath_setxattr(p, disk, l->heap + x->value, x->value_len, 0);
        if (r == -EOPNOTSUPP && may_be_lost(shown, ov->style))
            r = 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* How much of the data a copy gets: a number of bytes, or this. */
#define NO_DATA (UINT64_MAX - 1)

/* The content of a regular file, or of a link that is kept as one. */
static int fill_file(struct overlay *ov, const struct node *n, int fd, uint64_t size)
{
    const struct layer *l = &ov->layers[n->lowers[0].layer];
    const struct index_inode *in = &l->inodes[n->lowers[0].inode];
    if (S_ISLNK(n->v.mode)) {
        int r = layer_need_target(l, n->lowers[0].inode);
        return r < 0 ? r : write_full(fd, l->heap + in->first, in->count);
    }
    if (!S_ISREG(n->v.mode))
        return 0;
    if (size == NO_DATA)
        return ftruncate(fd, (off_t)in->size) < 0 ? -errno : 0;
    int r = copy_data(l, in, fd, size);
    if (r == 0 && ov->sync && size && fdatasync(fd) < 0)
        r = -errno;
    return r;
}

/* Attributes and times of a copy at p; `st` is what it was made as. */
static int dress_copy(struct overlay *ov, const struct node *n, const struct upath *p, bool typed,
                      bool meta, const struct stat *st)
{
    const struct index_inode *in = lower_inode(ov, n->lowers, n->n_lowers);
    int r = upper_set_new_attr(p, &n->v, ov->style, typed, st);
    if (r == 0) /* a change of owner takes capabilities away, so they come after it */
        r = copy_xattrs(ov, lower_layer(ov, n), in, p);
    bool bears = S_ISREG(n->v.mode) || typed; /* attributes of the user. kind */
    if (r == 0 && bears)
        r = upper_set_ino(p, ov->style, n->ino);
    if (r == 0 && meta)
        r = upath_setxattr(p, UPPER_META, "", 0, 0);
    struct timespec t = {in->mtime_sec, in->mtime_nsec}, times[2] = {t, t};
    return r < 0 ? r : upath_utimens(p, times);
}

int node_dress_root(struct overlay *ov)
{
    const struct node *n = ov->root;
    const struct index_inode *in = lower_inode(ov, n->lowers, n->n_lowers);
    struct upath p;
    struct timespec t = {in->mtime_sec, in->mtime_nsec}, times[2] = {t, t};
    int r = node_upath(ov, n, &p);
    if (r == 0)
        r = copy_xattrs(ov, lower_layer(ov, n), in, &p);
    if (r == 0)
        r = upper_set_ino(&p, ov->style, n->ino);
    return r < 0 ? r : upath_utimens(&p, times);
}

static int copy_link(struct overlay *ov, const struct node *n, const struct upath *p)
{
    const struct layer *l = &ov->layers[n->lowers[0].layer];
    const struct index_inode *in = &l->inodes[n->lowers[0].inode];
    int r = layer_need_target(l, n->lowers[0].inode);
    if (r < 0)
        return r;
    auto_free char *target = xstrndup(l->heap + in->first, in->count);
    struct stat st;
    if (symlinkat(target, p->dirfd, p->rel) < 0)
        return -errno;
    r = upath_stat(p, &st);
    return r < 0 ? r : dress_copy(ov, n, p, false, false, &st);
}

/* A device, fifo or socket as itself. */
static int copy_special(struct overlay *ov, const struct node *n, const struct upath *p)
{
    struct stat st;
    mode_t mode = (n->v.mode & S_IFMT) | upper_disk_mode(&n->v, ov->style);
    if (mknodat(p->dirfd, p->rel, mode, n->v.rdev) < 0)
        return -errno;
    int r = upath_stat(p, &st);
    return r < 0 ? r : dress_copy(ov, n, p, false, false, &st);
}

static int copy_dir(struct overlay *ov, const struct node *n, const struct upath *p)
{
    struct stat st;
    if (mkdirat(p->dirfd, p->rel, upper_disk_mode(&n->v, ov->style)) < 0)
        return -errno;
    int r = upath_stat(p, &st);
    return r < 0 ? r : dress_copy(ov, n, p, false, false, &st);
}

static int copy_file(struct overlay *ov, const struct node *n, const struct upath *p, bool typed,
                     uint64_t size, int *ret_fd)
{
    auto_close int fd = openat(p->dirfd, p->rel, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                               typed ? 0600 : upper_disk_mode(&n->v, ov->style));
    struct stat st;
    struct upath open;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    upath_fd(&open, fd, false, ov->journal);
    int r = fill_file(ov, n, fd, size);
    if (r == 0)
        r = dress_copy(ov, n, &open, typed, size == NO_DATA && S_ISREG(n->v.mode), &st);
    if (r == 0)
        *ret_fd = take_fd(&fd);
    return r;
}

/* Makes the copy at p. *ret_fd: the open file, or -1. */
static int make_copy(struct overlay *ov, const struct node *n, const struct upath *p, uint64_t size,
                     bool *ret_typed, int *ret_fd)
{
    const struct layer *l = lower_layer(ov, n);
    const struct index_inode *in = lower_inode(ov, n->lowers, n->n_lowers);
    if (S_ISLNK(n->v.mode)) { /* the rest is read when it is copied */
        int r = layer_need_xattrs(l, n->lowers[0].inode);
        if (r < 0)
            return r;
    }
    /* A link that is typed keeps its number. One with several names could not become so later, when
     * not all of them are known; who stacks directories wants to find links as such. */
    bool number = !node_is_dir(n) && (in->nlink > 1 || !l->tree);
    *ret_typed = upper_needs_typed(&n->v, in->n_xattrs || number, ov->style);
    *ret_fd = -1;
    if (node_is_dir(n))
        return copy_dir(ov, n, p);
    if (S_ISREG(n->v.mode) || *ret_typed)
        return copy_file(ov, n, p, *ret_typed, size, ret_fd);
    return S_ISLNK(n->v.mode) ? copy_link(ov, n, p) : copy_special(ov, n, p);
}

/* The times of an upper directory, to be put back after a change that the container cannot see. */
static int save_times(struct overlay *ov, struct node *dir, struct timespec ret[2])
{
    struct upath p;
    struct stat st;
    int r = node_upath(ov, dir, &p);
    if (r == 0)
        r = upath_stat(&p, &st);
    if (r == 0) {
        ret[0] = st.st_atim;
        ret[1] = st.st_mtim;
    }
    return r;
}

static void restore_times(struct overlay *ov, struct node *dir, const struct timespec t[2])
{
    struct upath p;
    if (node_upath(ov, dir, &p) == 0)
        (void)!utimensat(p.dirfd, p.rel, t, 0);
}

static void tmp_remove(const struct node *n, const struct upath *p)
{
    unlinkat(p->dirfd, p->rel, node_is_dir(n) ? AT_REMOVEDIR : 0);
}

/* Puts another name of a copied object into the upper directory. */
static int link_name(struct overlay *ov, struct node *n, struct child *c)
{
    struct upath from, to;
    struct timespec times[2];
    int r = node_copy_up(ov, c->dir, UINT64_MAX);
    if (r == 0)
        r = save_times(ov, c->dir, times);
    if (r == 0)
        r = node_upath(ov, n, &from);
    if (r == 0)
        r = child_upath(ov, c->dir, c->name, c->len, &to);
    if (r == 0 && linkat(from.dirfd, from.rel, to.dirfd, to.rel, 0) < 0)
        r = -errno;
    if (r == 0) {
        c->in_upper = true;
        restore_times(ov, c->dir, times);
    }
    return r;
}

int node_link_names(struct overlay *ov, struct node *n)
{
    for (struct child *c = n->names; c; c = c->next_name) {
        int r = c->in_upper ? 0 : link_name(ov, n, c);
        if (r < 0)
            return r;
    }
    return 0;
}

static void now_in_upper(struct node *n, bool typed, uint64_t size)
{
    n->in_upper = true;
    n->typed = typed;
    n->meta = size == NO_DATA && S_ISREG(n->v.mode);
}

/* Without a name there is nothing to rename to: the copy lives by its descriptor only. */
static int copy_up_unlinked(struct overlay *ov, struct node *n, uint64_t size)
{
    struct upath p;
    bool typed;
    auto_close int fd = -1;
    tmp_upath(ov, &p);
    int r = make_copy(ov, n, &p, size, &typed, &fd);
    if (r == 0 && fd < 0) {
        int how = node_is_dir(n) ? O_RDONLY | O_DIRECTORY : O_PATH;
        fd = openat(p.dirfd, p.rel, how | O_NOFOLLOW | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
    }
    tmp_remove(n, &p);
    if (r == 0) {
        n->fd = take_fd(&fd);
        now_in_upper(n, typed, size);
    }
    return r;
}

/* The parent is in the upper directory. */
static int copy_up_one(struct overlay *ov, struct node *n, uint64_t size)
{
    struct upath tmp, to;
    struct timespec times[2];
    struct child *c = n->names;
    bool typed;
    auto_close int fd = -1;
    int r = child_upath(ov, c->dir, c->name, c->len, &to);
    if (r == 0)
        r = save_times(ov, c->dir, times);
    if (r < 0)
        return r;
    tmp_upath(ov, &tmp);
    r = make_copy(ov, n, &tmp, size, &typed, &fd);
    if (r == 0)
        r = overlay_settle(ov, true);
    if (r == 0 && renameat(tmp.dirfd, tmp.rel, to.dirfd, to.rel) < 0)
        r = -errno;
    if (r < 0) {
        tmp_remove(n, &tmp);
        return r;
    }
    restore_times(ov, c->dir, times);
    now_in_upper(n, typed, size);
    if (S_ISREG(n->v.mode))
        node_give_fd(ov, n, take_fd(&fd));
    c->in_upper = true;
    return node_is_dir(n) ? 0 : node_link_names(ov, n);
}

static int copy_up(struct overlay *ov, struct node *n, uint64_t size)
{
    if (!n->names && n != ov->root)
        return copy_up_unlinked(ov, n, size);
    while (!n->in_upper) { /* each time the topmost that is missing */
        struct node *at = n;
        while (at->names && !at->names->dir->in_upper)
            at = at->names->dir;
        if (!at->names)
            return -ENOENT;
        int r = copy_up_one(ov, at, at == n ? size : UINT64_MAX);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Brings the data after the attributes. Until the mark is gone the layer's data counts, so a
 * failure or a crash on the way loses nothing. */
static int fetch_data(struct overlay *ov, struct node *n, uint64_t size)
{
    const struct layer *l = &ov->layers[n->lowers[0].layer];
    const struct index_inode *in = &l->inodes[n->lowers[0].inode];
    struct upath p;
    struct stat st;
    int fd = node_fd(ov, n);
    if (fd < 0 || fstat(fd, &st) < 0)
        return fd < 0 ? fd : -errno;
    upath_fd(&p, fd, false, ov->journal);
    int r = fill_file(ov, n, fd, size);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    if (r == 0)
        r = upath_utimens(&p, times);
    if (r == 0)
        r = upath_removexattr(&p, UPPER_META);
    if (r == 0) {
        n->meta = false;
        return 0;
    }
    if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)in->size) < 0)
        return -EIO;
    upath_utimens(&p, times);
    return r;
}

/* A copy-up that failed may have left names without the copy: nothing changes before they have it.
 */
static int missing_names(struct overlay *ov, struct node *n)
{
    return n->nlink > 1 ? node_link_names(ov, n) : 0;
}

int node_copy_up(struct overlay *ov, struct node *n, uint64_t size)
{
    if (ov->upper_fd < 0)
        return -EROFS;
    if (!n->in_upper)
        return copy_up(ov, n, size);
    int r = missing_names(ov, n);
    return r == 0 && n->meta ? fetch_data(ov, n, size) : r;
}

int node_copy_up_attr(struct overlay *ov, struct node *n)
{
    if (ov->upper_fd < 0)
        return -EROFS;
    if (n->in_upper)
        return missing_names(ov, n);
    /* Whoever reads the upper directory beside us wants to find the data there. */
    bool whole = ov->style == UPPER_REAL || !n->n_lowers || ov->layers[n->lowers[0].layer].tree;
    return copy_up(ov, n, whole ? UINT64_MAX : NO_DATA);
}

/* A real link becomes a regular file that stands for it, as it is to bear attributes. It keeps the
 * number that it has from a layer; that of the real link goes with it and may be another's soon. */
static int typed_link(struct overlay *ov, const struct node *n, const struct upath *from,
                      const struct upath *tmp, uint64_t *ret_ino)
{
    struct stat st, made;
    auto_free char *target = NULL;
    int r = upath_stat(from, &st);
    if (r == 0)
        r = upper_readlink(from, false, &target);
    if (r < 0)
        return r;
    auto_close int fd = openat(tmp->dirfd, tmp->rel, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &made) < 0)
        return -errno;
    struct upath p;
    upath_fd(&p, fd, false, ov->journal);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    r = write_full(fd, target, strlen(target));
    if (r == 0)
        r = upper_set_new_attr(&p, &n->v, ov->style, true, &made);
    *ret_ino = n->ino;
    if (n->ino == upper_ino(st.st_ino))
        *ret_ino = upper_ino(made.st_ino);
    else if (r == 0)
        r = upper_set_ino(&p, ov->style, n->ino);
    return r < 0 ? r : upath_utimens(&p, times);
}

static void renumber(struct overlay *ov, struct node *n, uint64_t ino)
{
    bool shared = n->by_ino && idmap_get(&ov->by_ino, n->ino) == n;
    if (shared)
        idmap_remove(&ov->by_ino, n->ino);
    n->ino = ino;
    if (shared)
        node_share(ov, n);
    if (ov->renumbered)
        ov->renumbered(ov->renumbered_arg, n);
}

int node_make_typed(struct overlay *ov, struct node *n)
{
    struct upath from, tmp, one, to;
    uint64_t ino = n->ino;
    if (!n->names)
        return -EOPNOTSUPP; /* nobody can see it any more */
    int r = node_upath(ov, n, &from);
    if (r < 0)
        return r;
    tmp_upath(ov, &tmp);
    r = typed_link(ov, n, &from, &tmp, &ino);
    if (r == 0)
        r = overlay_settle(ov, true);
    for (struct child *c = n->names; r == 0 && c; c = c->next_name) {
        struct timespec times[2];
        tmp_upath(ov, &one);
        r = save_times(ov, c->dir, times);
        if (r == 0)
            r = child_upath(ov, c->dir, c->name, c->len, &to);
        if (r == 0 && (linkat(tmp.dirfd, tmp.rel, one.dirfd, one.rel, 0) < 0 ||
                       renameat(one.dirfd, one.rel, to.dirfd, to.rel) < 0))
            r = -errno;
        if (r == 0)
            restore_times(ov, c->dir, times);
    }
    unlinkat(tmp.dirfd, tmp.rel, 0);
    if (r < 0)
        return r;
    n->typed = true;
    if (n->ino != ino)
        renumber(ov, n, ino);
    return 0;
}

static int make_child_pure(struct overlay *ov, struct child *c)
{
    auto_node n = {ov, NULL};
    int r = child_resolve(ov, c, &n.n);
    if (r < 0)
        return r;
    return node_is_dir(n.n) ? node_make_pure(ov, n.n) : node_copy_up_attr(ov, n.n);
}

/* Everything is above: the cut changes nothing that can be seen. A function of its own, so that the
 * recursion of node_make_pure() needs little stack. */
__attribute__((noinline)) static int cut_off(struct overlay *ov, struct node *dir)
{
    struct upath p;
    int r = node_upath(ov, dir, &p);
    if (r == 0)
        r = upper_set_opaque(&p, ov->style);
    if (r == 0)
        r = upper_set_ino(&p, ov->style, dir->ino);
    if (r == 0)
        r = overlay_settle(ov, true);
    if (r < 0)
        return r;
    node_set_lowers(dir, NULL, 0);
    for (size_t i = 0; i < dir->dir->n_slots; i++)
        if (dir->dir->slots[i].child)
            dir->dir->slots[i].child->in_lower = false;
    return 0;
}

int node_make_pure(struct overlay *ov, struct node *dir)
{
    int r = node_copy_up(ov, dir, UINT64_MAX);
    if (r < 0 || dir->n_lowers == 0)
        return r;
    r = dir_load(ov, dir);
    for (size_t i = 0; r == 0 && i < dir->dir->n_slots; i++)
        if (dir->dir->slots[i].child)
            r = make_child_pure(ov, dir->dir->slots[i].child);
    return r < 0 ? r : cut_off(ov, dir);
}
