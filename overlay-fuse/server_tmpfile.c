/* SPDX-License-Identifier: Apache-2.0 */
/* open(O_TMPFILE): a request of Linux 6.1 that libfuse 3.14 does not know, answered by hand. */
#include "overlay-fuse/server.h"

#include <string.h>
#include <sys/uio.h>

static void fill_attr(struct fuse_attr *out, const struct stat *st)
{
    *out = (struct fuse_attr){
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .blocks = (uint64_t)st->st_blocks,
        .atime = (uint64_t)st->st_atim.tv_sec,
        .mtime = (uint64_t)st->st_mtim.tv_sec,
        .ctime = (uint64_t)st->st_ctim.tv_sec,
        .atimensec = (uint32_t)st->st_atim.tv_nsec,
        .mtimensec = (uint32_t)st->st_mtim.tv_nsec,
        .ctimensec = (uint32_t)st->st_ctim.tv_nsec,
        .mode = st->st_mode,
        .nlink = (uint32_t)st->st_nlink,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .blksize = (uint32_t)st->st_blksize,
    };
}

static int make(struct server *s, const struct fuse_in_header *h, const struct fuse_create_in *in,
                struct node **ret)
{
    struct make m = {.mode = S_IFREG | (in->mode & 07777),
                     .uid = server_uid(s, h->uid),
                     .gid = server_gid(s, h->gid),
                     .data_fd = -1};
    struct acl room;
    struct node *dir = server_node(s, h->nodeid);
    int r = dir ? make_inherit(s->ov, dir, in->umask, &m, &room) : -ESTALE;
    return r < 0 ? r : node_make_nameless(s->ov, &m, ret);
}

bool server_tmpfile(struct server *s, int fd)
{
    const struct fuse_in_header *h = (const void *)s->request;
    const struct fuse_create_in *in = server_request_body(s, sizeof(*in));
    struct {
        struct fuse_entry_out entry;
        struct fuse_open_out open;
    } body = {0};
    struct fuse_out_header out = {.unique = h->unique};
    auto_node n = {s->ov, NULL};
    struct stat st;
    int r = in ? make(s, h, in, &n.n) : -EINVAL;
    if (r == 0)
        r = server_stat(s, n.n, &st);
    if (r == -EOPNOTSUPP) /* the file system below has none: libfuse says so for good */
        return false;
    if (r == 0) {
        body.entry.nodeid = n.n->id;
        body.entry.attr_valid = body.entry.entry_valid = (uint64_t)s->o.timeout;
        fill_attr(&body.entry.attr, &st);
        body.open.open_flags = FOPEN_KEEP_CACHE;
        n.n->nlookup++;
    }
    out.error = r;
    out.len = (uint32_t)(sizeof(out) + (r == 0 ? sizeof(body) : 0));
    struct iovec iov[2] = {{&out, sizeof(out)}, {&body, sizeof(body)}};
    if (writev(fd, iov, r == 0 ? 2 : 1) < 0 && r == 0)
        node_forget(s->ov, n.n, 1);
    return true;
}
