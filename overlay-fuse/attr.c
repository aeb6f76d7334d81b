/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of objects. */
#include "overlay-fuse/node.h"

#include <string.h>

#define BLOCK 4096

static uint32_t lower_nlink(const struct overlay *ov, const struct node *n)
{
    const struct index_inode *in = &ov->layers[n->lowers[0].layer].inodes[n->lowers[0].inode];
    return n->by_ino ? n->nlink : in->nlink;
}

/* In units of 512 bytes, as far as there is data. */
static blkcnt_t lower_blocks(const struct overlay *ov, const struct node *n)
{
    const struct layer *l = &ov->layers[n->lowers[0].layer];
    const struct index_inode *in = &l->inodes[n->lowers[0].inode];
    blkcnt_t sum = l->tree ? (blkcnt_t)((in->size + BLOCK - 1) / BLOCK * 8) : 0;
    if (l->tree)
        return sum;
    for (uint32_t i = 0; i < in->count; i++)
        sum += (blkcnt_t)((l->extents[in->first + i].len + BLOCK - 1) / BLOCK * 8);
    return sum;
}

static void stat_lower(const struct overlay *ov, const struct node *n, struct stat *st)
{
    const struct index_inode *in = lower_inode(ov, n->lowers, n->n_lowers);
    st->st_size = S_ISDIR(in->mode) ? BLOCK : (off_t)in->size;
    st->st_blocks = S_ISREG(in->mode) ? lower_blocks(ov, n) : 0;
    st->st_mtim = (struct timespec){in->mtime_sec, in->mtime_nsec};
    st->st_atim = st->st_ctim = st->st_mtim;
    st->st_nlink = lower_nlink(ov, n);
}

static int stat_upper(struct overlay *ov, const struct node *n, struct stat *st)
{
    struct upath p;
    int r = node_object(ov, n, &p);
    if (r == 0)
        r = upath_stat(&p, st);
    if (r < 0)
        return r;
    if (n->typed && !S_ISLNK(n->v.mode))
        st->st_size = st->st_blocks = 0;
    if (n->meta)
        st->st_blocks = lower_blocks(ov, n);
    if (n->has_mtime)
        st->st_mtim = n->mtime;
    return 0;
}

/* Its own name, "." and the ".." of each subdirectory. */
static int dir_nlink(struct overlay *ov, struct node *n, struct stat *st)
{
    if (n->in_upper && n->n_lowers == 0 && !n->dir)
        return 0; /* the file system below has counted */
    if (!n->in_upper && n->n_lowers == 1 && !n->dir)
        return 0; /* and so has the index */
    int r = dir_load(ov, n);
    if (r == 0)
        st->st_nlink = 2 + n->dir->n_subdirs;
    return r;
}

int node_stat(struct overlay *ov, struct node *n, struct stat *ret)
{
    struct stat st = {0};
    int r = 0;
    if (n->in_upper)
        r = stat_upper(ov, n, &st);
    else if (n->n_lowers)
        stat_lower(ov, n, &st);
    else
        st = ov->upper_st; /* the root of an overlay without layers */
    if (r == 0 && node_is_dir(n))
        r = dir_nlink(ov, n, &st);
    if (r < 0)
        return r;
    st.st_dev = 0;
    st.st_ino = n->ino;
    st.st_mode = n->v.mode;
    st.st_uid = n->v.uid;
    st.st_gid = n->v.gid;
    st.st_rdev = n->v.rdev;
    st.st_blksize = BLOCK;
    if (n->unlinked)
        st.st_nlink = 0;
    *ret = st;
    return 0;
}

/* The object has these attributes from now on, on disk and in memory. */
static int set_attr(struct overlay *ov, struct node *n, const struct vattr *v)
{
    struct upath p;
    int r = node_copy_up_attr(ov, n);
    if (r < 0)
        return r;
    if (upper_needs_typed(v, false, ov->style) && !n->typed) {
        r = node_make_typed(ov, n);
        if (r < 0)
            return r;
    }
    r = node_object(ov, n, &p);
    if (r == 0)
        r = upper_set_attr(&p, v, ov->style, n->typed, n == ov->root);
    if (r == 0)
        n->v = *v;
    return r;
}

/* The access list follows the mode. */
static int chmod_acl(struct overlay *ov, struct node *n, mode_t mode)
{
    uint8_t acl[ACL_MAX];
    ssize_t len = node_getxattr(ov, n, ACL_ACCESS, acl, sizeof(acl));
    if (len == -ENODATA || len == -EOPNOTSUPP)
        return 0;
    if (len < 0)
        return (int)len;
    int r = acl_chmod(acl, (size_t)len, mode);
    return r < 0 ? r : node_keep_xattr(ov, n, ACL_ACCESS, acl, (size_t)len, 0);
}

int node_chmod(struct overlay *ov, struct node *n, mode_t mode)
{
    struct vattr v = n->v;
    v.mode = (n->v.mode & S_IFMT) | (mode & 07777);
    int r = set_attr(ov, n, &v);
    return r < 0 || S_ISLNK(v.mode) ? r : chmod_acl(ov, n, mode);
}

int node_chown(struct overlay *ov, struct node *n, uid_t uid, gid_t gid)
{
    struct vattr v = n->v;
    if (uid != (uid_t)-1)
        v.uid = uid;
    if (gid != (gid_t)-1)
        v.gid = gid;
    return set_attr(ov, n, &v);
}

int node_kill_privileges(struct overlay *ov, struct node *n, bool of_group)
{
    if (node_is_dir(n))
        return 0;
    mode_t mode = n->v.mode & ~(mode_t)S_ISUID;
    if ((mode & S_IXGRP) || !of_group)
        mode &= ~(mode_t)S_ISGID;
    int r = 0;
    if (mode != n->v.mode) {
        struct vattr v = n->v;
        v.mode = mode;
        r = set_attr(ov, n, &v);
    }
    if (r == 0 && node_getxattr(ov, n, "security.capability", NULL, 0) > 0)
        r = node_removexattr(ov, n, "security.capability");
    return r;
}

int node_truncate(struct overlay *ov, struct node *n, uint64_t size)
{
    if (node_is_dir(n))
        return -EISDIR;
    if (!S_ISREG(n->v.mode))
        return -EINVAL;
    int r = node_copy_up(ov, n, size);
    int fd = r < 0 ? r : node_fd(ov, n);
    if (fd < 0)
        return fd;
    r = node_save_mtime(ov, n, fd);
    return r < 0 ? r : ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

int node_utimens(struct overlay *ov, struct node *n, const struct timespec t[2])
{
    struct upath p;
    int r = node_copy_up_attr(ov, n);
    if (r == 0)
        r = node_object(ov, n, &p);
    if (r == 0)
        r = upath_utimens(&p, t);
    if (r == 0 && t[1].tv_nsec != UTIME_OMIT)
        n->has_mtime = false;
    return r;
}
