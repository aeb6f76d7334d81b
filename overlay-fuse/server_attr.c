/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on attributes. */
#include "base/alloc.h"
#include "overlay-fuse/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static void reply_attr(struct server *s, fuse_req_t req, struct node *n)
{
    struct stat st;
    int r = server_stat(s, n, &st);
    if (r < 0)
        server_reply_error(req, r);
    else
        fuse_reply_attr(req, &st, server_timeout(s, n));
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    if (n)
        reply_attr(s, req, n);
    else
        server_reply_error(req, -ESTALE);
}

static int set_times(struct overlay *ov, struct node *n, const struct stat *attr, int what)
{
    struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
    if (what & FUSE_SET_ATTR_ATIME)
        t[0] = attr->st_atim;
    if (what & FUSE_SET_ATTR_ATIME_NOW)
        t[0] = (struct timespec){.tv_nsec = UTIME_NOW};
    if (what & FUSE_SET_ATTR_MTIME)
        t[1] = attr->st_mtim;
    if (what & FUSE_SET_ATTR_MTIME_NOW)
        t[1] = (struct timespec){.tv_nsec = UTIME_NOW};
    return node_utimens(ov, n, t);
}

static bool kill_asked(const struct server *s, const struct node *n)
{
    const struct fuse_setattr_in *in = server_request_body(s, sizeof(*in));
    /* chown() that leaves both as they are is sent as a new time of change and nothing else. */
    return in && (in->valid & FATTR_KILL_SUIDGID || (in->valid == FATTR_CTIME && !node_is_dir(n)));
}

#define SET_OWNER (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
#define SET_TIMES                                                                                  \
    (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)

static int set_attr(fuse_req_t req, struct node *n, const struct stat *attr, int what)
{
    struct server *s = server_of(req);
    struct overlay *ov = s->ov;
    bool of_group = server_of_group(req, n); /* of the group that it has until now */
    int r = 0;
    if (what & FUSE_SET_ATTR_SIZE)
        r = node_truncate(ov, n, (uint64_t)attr->st_size);
    if (r == 0 && (what & SET_OWNER))
        r = node_chown(ov, n, what & FUSE_SET_ATTR_UID ? server_uid(s, attr->st_uid) : (uid_t)-1,
                       what & FUSE_SET_ATTR_GID ? server_gid(s, attr->st_gid) : (gid_t)-1);
    if (r == 0 && kill_asked(s, n))
        r = node_kill_privileges(ov, n, of_group);
    if (r == 0 && (what & FUSE_SET_ATTR_MODE))
        r = node_chmod(ov, n, attr->st_mode);
    if (r == 0 && (what & SET_TIMES))
        r = set_times(ov, n, attr, what);
    return r;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what,
                struct fuse_file_info *fi)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    int r = n ? set_attr(req, n, attr, what) : -ESTALE;
    if (r < 0)
        server_reply_error(req, r);
    else
        reply_attr(s, req, n);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    auto_free char *target = NULL;
    int r = n ? node_readlink(s->ov, n, &target) : -ESTALE;
    if (r < 0)
        server_reply_error(req, r);
    else
        fuse_reply_readlink(req, target);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct server *s = server_of(req);
    struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096};
    int fd = s->ov->upper_fd >= 0 ? s->ov->upper_fd
             : s->ov->n_layers    ? layer_fs_fd(&s->ov->layers[0])
                                  : -1;
    if (fd >= 0 && fstatvfs(fd, &st) < 0) {
        server_reply_error(req, -errno);
        return;
    }
    st.f_namemax = NAME_MAX;
    fuse_reply_statfs(req, &st);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    auto_free char *value = size ? xcalloc(size, 1) : NULL;
    ssize_t len = !n                          ? -ESTALE
                  : s->o.no_xattrs            ? -ENOSYS
                  : server_record_is(s, name) ? server_record_get(s, n, name, value, size)
                                              : node_getxattr(s->ov, n, name, value, size);
    if (len > 0 && size && server_record_hides(s, name, value, (size_t)len))
        len = -ENODATA;
    if (len < 0)
        server_reply_error(req, (int)len);
    else if (size)
        fuse_reply_buf(req, value, (size_t)len);
    else
        fuse_reply_xattr(req, (size_t)len);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                 int flags)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    int r = !n                          ? -ESTALE
            : s->o.no_xattrs            ? -ENOSYS
            : server_record_is(s, name) ? server_record_set(s, n, name, value, size, flags)
                                        : node_setxattr(s->ov, n, name, value, size, flags);
    bool kill = s->setxattr_ext && s->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID;
    if (r == 0 && kill && strcmp(name, ACL_ACCESS) == 0 && n->v.mode & S_ISGID)
        r = node_chmod(s->ov, n, n->v.mode & (07777 & ~(mode_t)S_ISGID));
    server_reply_error(req, r);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    server_reply_error(req, !n               ? -ESTALE
                            : s->o.no_xattrs ? -ENOSYS
                                             : node_removexattr(s->ov, n, name));
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    auto_buf names = {0};
    int r = !n ? -ESTALE : s->o.no_xattrs ? -ENOSYS : node_listxattr(s->ov, n, &names);
    if (r == 0 && size && names.len > size)
        r = -ERANGE;
    if (r < 0)
        server_reply_error(req, r);
    else if (size)
        fuse_reply_buf(req, names.data, names.len);
    else
        fuse_reply_xattr(req, names.len);
}
