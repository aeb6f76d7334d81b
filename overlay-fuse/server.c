/* SPDX-License-Identifier: Apache-2.0 */
/* The server's life, and what all operations share. */
#include "overlay-fuse/server.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct server *server_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

struct node *server_node(const struct server *s, fuse_ino_t ino)
{
    return node_by_id(s->ov, ino);
}

int server_stat(struct server *s, struct node *n, struct stat *ret)
{
    int r = node_stat(s->ov, n, ret);
    if (r == 0 && s->single_id)
        ret->st_uid = ret->st_gid = 0;
    return r;
}

void server_reply_error(fuse_req_t req, int code)
{
    fuse_reply_err(req, code < 0 ? -code : 0);
}

void server_reply_entry(struct server *s, fuse_req_t req, struct node *n)
{
    struct fuse_entry_param e = {.ino = n->id, .attr_timeout = FOREVER, .entry_timeout = FOREVER};
    int r = server_stat(s, n, &e.attr);
    if (r < 0) {
        server_reply_error(req, r);
        return;
    }
    n->nlookup++;
    if (fuse_reply_entry(req, &e) == -ENOENT)
        node_forget(s->ov, n, 1);
}

static void no_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
}

const struct fuse_lowlevel_ops server_ops = {
    .init = server_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .symlink = op_symlink,
    .link = op_link,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .rename = op_rename,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .readlink = op_readlink,
    .statfs = op_statfs,
    .getxattr = op_getxattr,
    .setxattr = op_setxattr,
    .removexattr = op_removexattr,
    .listxattr = op_listxattr,
    .open = op_open,
    .read = op_read,
    .write = op_write,
    .fsync = op_fsync,
    .fallocate = op_fallocate,
    .copy_file_range = op_copy_file_range,
    .lseek = op_lseek,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .fsyncdir = op_fsyncdir,
};

int server_run(struct overlay *ov, int device_fd, bool single_id, struct err *err)
{
    struct server s = {.ov = ov, .single_id = single_id};
    char *argv[] = {(char *)"overlay-fuse", NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    fuse_set_log_func(no_log);
    s.data = xcalloc(1, SERVER_READ_MAX);
    s.session = fuse_session_new(&args, &server_ops, sizeof(server_ops), &s);
    int r = s.session ? fuse_session_custom_io(s.session, &server_io, device_fd) : -ENOMEM;
    if (r < 0) {
        r = err_errno(err, r, "start a FUSE session");
    } else {
        r = fuse_session_loop(s.session);
        if (r < 0)
            err_errno(err, r, "serve");
    }
    if (s.session)
        fuse_session_destroy(s.session);
    free(s.data);
    return r;
}
