/* SPDX-License-Identifier: Apache-2.0 */
/* The server's life, and what all operations share. */
#include "overlay-fuse/server.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    if (r == 0 && s->o.single_id) {
        ret->st_uid = s->o.single_uid;
        ret->st_gid = s->o.single_gid;
    } else if (r == 0 && s->o.uids) {
        ret->st_uid = id_to_shown(s->o.uids, ret->st_uid);
        ret->st_gid = id_to_shown(s->o.gids, ret->st_gid);
    }
    if (s->o.static_nlink && node_is_dir(n))
        ret->st_nlink = 1;
    if (r == 0 && n->disguised) {
        ret->st_mode = S_IFREG | (ret->st_mode & 07777);
        ret->st_rdev = 0;
    }
    n->told = n->disguised ? 0 : server_now();
    n->told_blocks = r == 0 ? (uint32_t)ret->st_blocks : 0;
    return r;
}

uint32_t server_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint32_t)t.tv_sec + 1; /* never 0 */
}

void server_withdraw(struct server *s, struct node *n)
{
    n->told = 0;
    fuse_lowlevel_notify_inval_inode(s->session, n->id, -1, 0);
}

/* The kernel has the number among the attributes, and in the listings of where its names are. */
static void renumbered(void *arg, struct node *n)
{
    struct server *s = arg;
    server_withdraw(s, n);
    for (const struct child *c = n->names; c; c = c->next_name)
        fuse_lowlevel_notify_inval_inode(s->session, c->dir->id, 0, 0);
}

uid_t server_uid(const struct server *s, uid_t uid)
{
    return s->o.uids ? id_to_disk(s->o.uids, uid) : uid;
}

gid_t server_gid(const struct server *s, gid_t gid)
{
    return s->o.gids ? id_to_disk(s->o.gids, gid) : gid;
}

int server_kill_privileges(fuse_req_t req, struct node *n)
{
    struct server *s = server_of(req);
    mode_t mode = n->v.mode;
    int r = node_kill_privileges(s->ov, n, server_of_group(req, n));
    if (r == 0 && mode != n->v.mode) /* the kernel looks at the mode that it knows */
        server_withdraw(s, n);
    return r;
}

void server_reply_error(fuse_req_t req, int code)
{
    fuse_reply_err(req, code < 0 ? -code : 0);
}

double server_timeout(const struct server *s, const struct node *n)
{
    return n->disguised ? 0 : s->o.timeout;
}

void server_reply_entry(struct server *s, fuse_req_t req, struct node *n)
{
    double timeout = server_timeout(s, n);
    struct fuse_entry_param e = {.ino = n->id, .attr_timeout = timeout, .entry_timeout = timeout};
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

static const struct fuse_lowlevel_ops server_ops = {
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
    .release = op_release,
    .fsyncdir = op_fsyncdir,
};

int server_new(struct overlay *ov, const struct server_options *o, const char *fuse,
               struct server **ret, struct err *err)
{
    auto_ptr(server) struct server *s = new0(struct server);
    char *argv[5] = {(char *)"overlay-fuse"};
    int argc = 1;
    if (o->debug)
        argv[argc++] = (char *)"-d";
    else
        fuse_set_log_func(no_log);
    if (fuse && *fuse) {
        argv[argc++] = (char *)"-o";
        argv[argc++] = (char *)fuse;
    }
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    s->ov = ov;
    s->o = *o;
    s->data = xcalloc(1, SERVER_READ_MAX);
    server_loop_init(&s->loop);
    s->session = fuse_session_new(&args, &server_ops, sizeof(server_ops), s);
    ov->renumbered = renumbered;
    ov->renumbered_arg = s;
    fuse_opt_free_args(&args);
    if (!s->session)
        return err_set(err, -EINVAL, "FUSE does not take the options \"%s\"", fuse ? fuse : "");
    *ret = take_ptr(s);
    return 0;
}

void server_free(struct server *s)
{
    if (s->session)
        fuse_session_destroy(s->session);
    server_loop_done(&s->loop);
    free(s->data);
    free(s->devices);
    free(s);
}

int server_run(struct server *s, int device_fd, struct err *err)
{
    int r = fuse_session_custom_io(s->session, &server_io, device_fd);
    return r < 0 ? err_errno(err, r, "start a FUSE session") : server_loop(s, device_fd, err);
}

int server_run_mount(struct server *s, const char *mountpoint, bool background, struct err *err)
{
    if (fuse_session_mount(s->session, mountpoint) < 0)
        return err_set(err, -EIO, "cannot mount at %s", mountpoint);
    s->sees_callers = true;
    int r = fuse_session_custom_io(s->session, &server_io, fuse_session_fd(s->session));
    if (r < 0)
        err_errno(err, r, "start a FUSE session");
    else if (fuse_daemonize(!background) < 0 || fuse_set_signal_handlers(s->session) < 0)
        r = err_errno(err, -errno, "go to the background");
    else
        r = server_loop(s, fuse_session_fd(s->session), err);
    fuse_remove_signal_handlers(s->session);
    fuse_session_unmount(s->session);
    return r;
}
