/* SPDX-License-Identifier: Apache-2.0 */
/* The FUSE server: the merge core's face to the kernel.
 *
 * Theory of operation. One thread at a time (server_loop.c) reads a request, answers it and reads
 * the next; nothing else is ever locked, and on the machines that were measured a second one at
 * work cost more in wake-ups than it brought. Since nobody else changes the tree, the kernel may
 * keep everything it was told: entries, also negative ones, attributes, links, listings and pages
 * have no time-out, open, opendir and flush are answered once with ENOSYS and never asked again,
 * and the kernel collects writes. A node's references by the kernel (nlookup) are counted before a
 * reply and taken back when the kernel says that nobody waits for it any more. */
#pragma once

#define FUSE_USE_VERSION 314

#include "base/err.h"
#include "overlay-fuse/id_mapping.h"
#include "overlay-fuse/node.h"

#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

struct server_options {
    bool single_id; /* the mount's user namespace has one id: every owner shows as this one */
    uint32_t single_uid, single_gid;
    bool root_keeps; /* root is that of the first user namespace, whose writes keep set-id bits */
    bool no_xattrs, no_acl, no_fsync, static_nlink, no_writeback, debug;
    double timeout;                       /* seconds that the kernel may keep what it was told */
    const struct id_mapping *uids, *gids; /* NULL: as they are */
    int procfs;                           /* a procfs where askers are found, or -1 */
    int (*confine)(struct err *err);      /* each thread is to, before it serves; or NULL */
};

/* See server_wait.c. */
struct wait {
    bool may_look;         /* the descriptor does not block, and there are CPUs to spare */
    unsigned misses, rest; /* looks in a row that found nothing; requests until the next one */
    bool never;            /* who reads has waited already */
};

/* See server_loop.c. */
struct loop {
    int fd;                                        /* the device */
    int near_stat, near_schedstat, main_schedstat; /* /proc/thread-self/... of the two */
    int stop;                                      /* eventfd: the near thread is to end */
    pid_t near_tid, main_tid;
    cpu_set_t all;        /* where they may run */
    int cpu;              /* where they are bound to, or -1 */
    int step, until_look; /* requests between looks at the asker, and until the next */
    pthread_mutex_t gate, work;
    atomic_bool in_hand; /* a request that is not answered */
    atomic_uint served;  /* requests, by the near thread */
    pthread_t near;
    sem_t ready; /* the near thread is confined; how it went: */
    int near_code;
    bool can_be_near;
};

struct server {
    struct overlay *ov;
    struct fuse_session *session;
    struct server_options o;
    bool sees_callers;    /* a caller's process number means the same here */
    bool open_is_free;    /* the kernel takes ENOSYS for an answer to open and opendir */
    uint64_t init_unique; /* of the INIT request, which init.c answers */
    uint64_t init_flags;  /* what the kernel offered in it */
    bool setxattr_ext;    /* the kernel sends the following with FUSE_SETXATTR */
    uint32_t setxattr_flags;
    const uint8_t *request; /* the request at hand as it came, for what libfuse does not pass on */
    size_t request_len;
    char *data; /* room for the data of one read reply */
    struct wait wait;
    struct loop loop;
    struct announced *devices; /* see server_record.c */
    size_t n_devices;
    uint32_t last_key;
    size_t mapped; /* bytes of layers given to the kernel since they were unmapped */
};

#define SERVER_READ_MAX (1 << 20)
#define MAPPED_MAX      (4 << 20) /* bytes of layers that may stay mapped */
#define FOREVER         1e9       /* seconds */

/* Makes a server of the overlay, which stays the caller's. `fuse` are options for libfuse and the
 * kernel, or NULL. */
int server_new(struct overlay *ov, const struct server_options *o, const char *fuse,
               struct server **ret, struct err *err);
void server_free(struct server *s);
DEFINE_AUTO_PTR(server, server_free)
/* Serves a fresh /dev/fuse descriptor, which it takes over, until its mount is gone. */
int server_run(struct server *s, int device_fd, struct err *err);
/* Mounts; then serves until somebody unmounts, or a signal does. With `background` the process that
 * called goes on as soon as the mount is there, and ends. */
int server_run_mount(struct server *s, const char *mountpoint, bool background, struct err *err);

/* server_init.c: the agreement with the kernel. */
extern const struct fuse_custom_io server_io;
void server_init(void *userdata, struct fuse_conn_info *conn);
/* The body of the request at hand, or NULL if it is shorter than `size`. */
const void *server_request_body(const struct server *s, size_t size);

/* server_loop.c: serves the requests of a device until its mount is gone. */
void server_loop_init(struct loop *l);
void server_loop_done(struct loop *l);
int server_loop(struct server *s, int fd, struct err *err);

/* server_wait.c: reads the next request, as read() does from a descriptor that blocks; or not, with
 * wait.never. */
void server_wait_init(struct server *s, int fd);
ssize_t server_wait_read(struct server *s, int fd, void *buf, size_t len);

/* server_groups.c: whether the caller is of the object's group, as far as set-group-ID asks for it,
 * or root. */
bool server_of_group(fuse_req_t req, const struct node *n);

/* server_tmpfile.c: answers FUSE_TMPFILE, which libfuse does not know. False: it is another
 * request, or is for libfuse to refuse. */
bool server_tmpfile(struct server *s, int fd);

/* server_record.c: whether an attribute is a request of the root emulation; those requests, and
 * what can be read again. */
bool server_record_is(const struct server *s, const char *name);
int server_record_set(struct server *s, struct node *n, const char *name, const void *value,
                      size_t size, int flags);
ssize_t server_record_get(struct server *s, const struct node *n, const char *name, char *value,
                          size_t size);
/* The regular file that is about to be made is to be a device: says so in *m and *umask. */
bool server_record_device(struct server *s, uint64_t dir, const char *name, struct make *m,
                          mode_t *umask);
/* Somebody has come by the name of a device that was made before: it may show what it is. */
void server_record_reveal(struct node *n);
/* An access control list that the kernel would choke on, as it names ids that it has not. */
bool server_record_hides(const struct server *s, const char *name, const void *value, size_t size);

/* server.c: what the operations share. */
struct server *server_of(fuse_req_t req);
/* The node that the kernel means, or NULL. */
struct node *server_node(const struct server *s, fuse_ino_t ino);
int server_stat(struct server *s, struct node *n, struct stat *ret);
/* The ids that the kernel names, as they are kept. */
uid_t server_uid(const struct server *s, uid_t uid);
gid_t server_gid(const struct server *s, gid_t gid);
/* Seconds on a clock that only goes on, never 0. */
uint32_t server_now(void);
/* The kernel asks for the attributes again. Only while a request about the node is at hand, which
 * keeps it from being forgotten in the midst of that. */
void server_withdraw(struct server *s, struct node *n);
/* What a change of the data by the caller takes away. */
int server_kill_privileges(fuse_req_t req, struct node *n);
void server_reply_entry(struct server *s, fuse_req_t req, struct node *n);
/* How long the kernel may keep what it is told of the object. */
double server_timeout(const struct server *s, const struct node *n);
void server_reply_error(fuse_req_t req, int code);

/* server_tree.c, server_attr.c, server_data.c, server_dir.c: the operations, as libfuse names them.
 */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what,
                struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                 int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                  struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset,
                        struct fuse_file_info *from_fi, fuse_ino_t to, off_t to_offset,
                        struct fuse_file_info *to_fi, size_t len, int flags);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi);
