/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on names. */
#include "overlay-fuse/server.h"

#include <string.h>

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct server *s = server_of(req);
    struct node *dir = server_node(s, parent);
    auto_node n = {s->ov, NULL};
    int r = dir ? node_lookup(s->ov, dir, name, strlen(name), &n.n) : -ESTALE;
    if (r == 0) {
        server_record_reveal(n.n);
        server_reply_entry(s, req, n.n);
    } else if (r == -ENOENT) { /* the kernel may remember that there is nothing */
        struct fuse_entry_param e = {.entry_timeout = s->o.timeout};
        fuse_reply_entry(req, &e);
    } else {
        server_reply_error(req, r);
    }
}

static void forget(struct server *s, fuse_ino_t ino, uint64_t count)
{
    struct node *n = server_node(s, ino);
    if (n)
        node_forget(s->ov, n, count);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    forget(server_of(req), ino, count);
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        forget(server_of(req), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, struct make *m)
{
    struct server *s = server_of(req);
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct node *dir = server_node(s, parent);
    auto_node n = {s->ov, NULL};
    struct acl room;
    mode_t umask = ctx->umask;
    m->uid = server_uid(s, ctx->uid);
    m->gid = server_gid(s, ctx->gid);
    m->data_fd = -1;
    bool disguised = server_record_device(s, parent, name, m, &umask);
    int r = dir ? make_inherit(s->ov, dir, umask, m, &room) : -ESTALE;
    if (r == 0)
        r = node_make(s->ov, dir, name, m, &n.n);
    if (r == 0)
        n.n->disguised = disguised;
    if (r < 0)
        server_reply_error(req, r);
    else
        server_reply_entry(s, req, n.n);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
    struct make m = {.mode = mode, .rdev = S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0};
    make(req, parent, name, &m);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct make m = {.mode = S_IFDIR | (mode & 07777)};
    make(req, parent, name, &m);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    struct make m = {.mode = S_IFLNK | 0777, .target = target};
    make(req, parent, name, &m);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    struct server *s = server_of(req);
    struct node *n = server_node(s, ino), *dir = server_node(s, parent);
    int r = n && dir ? node_link(s->ov, n, dir, name) : -ESTALE;
    if (r < 0)
        server_reply_error(req, r);
    else
        server_reply_entry(s, req, n);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, enum remove_what what)
{
    struct server *s = server_of(req);
    struct node *dir = server_node(s, parent);
    server_reply_error(req, dir ? node_remove(s->ov, dir, name, what) : -ESTALE);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_name(req, parent, name, REMOVE_FILE);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_name(req, parent, name, REMOVE_DIR);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct server *s = server_of(req);
    struct node *from = server_node(s, parent), *to = server_node(s, new_parent);
    server_reply_error(req,
                       from && to ? node_rename(s->ov, from, name, to, new_name, flags) : -ESTALE);
}
