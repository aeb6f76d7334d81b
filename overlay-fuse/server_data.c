/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the bytes of files. */
#include "overlay-fuse/server.h"

#include <sys/uio.h>

/* A file is known by its inode alone, so there is nothing to open. */
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (server_of(req)->open_is_free) {
        server_reply_error(req, -ENOSYS);
        return;
    }
    fi->keep_cache = 1;
    fuse_reply_open(req, fi);
}

/* What was given to the kernel stays mapped, and would count as our memory for ever. */
static void unmap_now_and_then(struct server *s, size_t given)
{
    s->mapped += given;
    if (s->mapped < MAPPED_MAX)
        return;
    for (size_t i = 0; i < s->ov->n_layers; i++)
        layer_unmap_pages(&s->ov->layers[i]);
    s->mapped = 0;
}

/* Straight from the mapped tar when the bytes lie there in one piece. */
static bool reply_mapped(struct server *s, fuse_req_t req, const struct layer *l, uint32_t inode,
                         size_t size, uint64_t offset)
{
    uint64_t file = l->inodes[inode].size;
    if (offset >= file) {
        fuse_reply_buf(req, NULL, 0);
        return true;
    }
    size_t run, wanted = size < file - offset ? size : (size_t)(file - offset);
    const uint8_t *bytes = layer_bytes(l, inode, offset, wanted, &run);
    if (!bytes || run < wanted)
        return false;
    struct iovec iov = {(void *)bytes, wanted};
    fuse_reply_iov(req, &iov, 1);
    unmap_now_and_then(s, wanted); /* the request is gone with the reply */
    return true;
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    uint32_t inode;
    if (!n || !S_ISREG(n->v.mode)) {
        server_reply_error(req, n ? -EINVAL : -ESTALE);
        return;
    }
    const struct layer *l = node_data_layer(s->ov, n, &inode);
    if (l && !l->tree && reply_mapped(s, req, l, inode, size, (uint64_t)offset))
        return;
    if (size > SERVER_READ_MAX)
        size = SERVER_READ_MAX;
    ssize_t got = node_read(s->ov, n, s->data, size, (uint64_t)offset);
    if (got < 0)
        server_reply_error(req, (int)got);
    else
        fuse_reply_buf(req, s->data, (size_t)got);
}

/* Only what was opened by O_TMPFILE has one. */
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    server_reply_error(req, 0);
}

static bool kill_asked(const struct server *s)
{
    const struct fuse_write_in *in = server_request_body(s, sizeof(*in));
    return in && (in->write_flags & FUSE_WRITE_KILL_SUIDGID);
}

/* The kernel asks for the blocks of a file when that is closed; one that stays open would show
 * none. Having told the same number is no reason to make it ask: it would ask for more than that.
 */
static void show_blocks(struct server *s, struct node *n)
{
    struct stat st;
    if (s->ov->delayed_writes && n->told && node_stat(s->ov, n, &st) == 0 &&
        (uint32_t)st.st_blocks != n->told_blocks)
        server_withdraw(s, n);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    ssize_t put = n ? node_write(s->ov, n, data, size, (uint64_t)offset) : -ESTALE;
    if (put > 0 && kill_asked(s)) {
        int r = server_kill_privileges(req, n);
        if (r < 0)
            put = r;
    }
    if (put > 0 && server_now() - n->told >= 2)
        show_blocks(s, n);
    if (put < 0)
        server_reply_error(req, (int)put);
    else
        fuse_reply_write(req, (size_t)put);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    int r = !n ? -ESTALE : s->o.no_fsync ? 0 : node_sync(s->ov, n, data_only);
    if (n && S_ISREG(n->v.mode))
        show_blocks(s, n);
    server_reply_error(req, r);
}

/* The kernel leaves it to us without asking. */
static int kill_unasked(fuse_req_t req, struct node *n)
{
    bool keeps = server_of(req)->o.root_keeps && fuse_req_ctx(req)->uid == 0;
    return keeps ? 0 : server_kill_privileges(req, n);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                  struct fuse_file_info *fi)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    int r = n ? node_allocate(s->ov, n, mode, offset, length) : -ESTALE;
    server_reply_error(req, r < 0 ? r : kill_unasked(req, n));
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset,
                        struct fuse_file_info *from_fi, fuse_ino_t to, off_t to_offset,
                        struct fuse_file_info *to_fi, size_t len, int flags)
{
    struct server *s = server_of(req);
    struct node *a = server_node(s, from), *b = server_node(s, to);
    ssize_t n = a && b ? node_copy_range(s->ov, a, from_offset, b, to_offset, len) : -ESTALE;
    int r = n > 0 ? kill_unasked(req, b) : 0;
    if (r < 0)
        n = r;
    if (n < 0)
        server_reply_error(req, (int)n);
    else
        fuse_reply_write(req, (size_t)n);
}

/* The kernel asks without having written what it holds of a file, so a hole may be none. */
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino);
    off_t at = s->ov->upper_fd >= 0 ? -ENOSYS : n ? node_seek(s->ov, n, offset, whence) : -ESTALE;
    if (at < 0)
        server_reply_error(req, (int)at);
    else
        fuse_reply_lseek(req, at);
}
