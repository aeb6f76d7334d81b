/* SPDX-License-Identifier: Apache-2.0 */
/* The agreement with the kernel about what it may do by itself.
 *
 * Theory of operation. libfuse before 3.17 knows some of the flags and never sends them. Its reads
 * and writes go through the two functions here: one notes what the kernel offers in the INIT
 * request, the other adds the flags that we want to the reply. The first also lets operations see
 * the request as it came, since libfuse drops FUSE_WRITE_KILL_SUIDGID and FATTR_KILL_SUIDGID, and
 * answers the one request that libfuse does not know. */
#include "overlay-fuse/server.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is asked for behind libfuse's back, if the kernel has it. */
#define EXTRA_FLAGS (FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT)

#define OPCODE_TMPFILE 51 /* FUSE_TMPFILE, of Linux 6.1 */

/* Notes the new flags of the request and makes it the short one that libfuse knows. */
static ssize_t shorten_setxattr(struct server *s, void *buf, ssize_t n)
{
    struct fuse_in_header *h = buf;
    struct fuse_setxattr_in *in = (void *)(h + 1);
    char *rest = (char *)in + FUSE_COMPAT_SETXATTR_IN_SIZE;
    size_t extra = sizeof(*in) - FUSE_COMPAT_SETXATTR_IN_SIZE;
    if ((size_t)n < sizeof(*h) + sizeof(*in))
        return n;
    s->setxattr_flags = in->setxattr_flags;
    memmove(rest, rest + extra, (size_t)n - sizeof(*h) - sizeof(*in));
    h->len -= (uint32_t)extra;
    s->request_len -= extra;
    return n - (ssize_t)extra;
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
    struct server *s = userdata;
    const struct fuse_in_header *h = buf;
    ssize_t n;
    do {
        n = server_wait_read(s, fd, buf, len);
        if (n < (ssize_t)sizeof(struct fuse_in_header))
            return n;
        s->request = buf;
        s->request_len = (size_t)n;
    } while (h->opcode == OPCODE_TMPFILE && server_tmpfile(s, fd));
    if (h->opcode == FUSE_INIT && s->request_len >= sizeof(*h) + 16) {
        struct fuse_init_in in = {0};
        size_t body = s->request_len - sizeof(*h);
        memcpy(&in, h + 1, body < sizeof(in) ? body : sizeof(in));
        s->init_unique = h->unique;
        s->init_flags = in.flags;
    }
    return h->opcode == FUSE_SETXATTR && s->setxattr_ext ? shorten_setxattr(s, buf, n) : n;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
    struct server *s = userdata;
    const struct fuse_out_header *h = iov[0].iov_base;
    if (s->init_unique && h->unique == s->init_unique && h->error == 0 && count > 1 &&
        iov[1].iov_len >= 16) {
        struct fuse_init_out *out = iov[1].iov_base;
        out->flags |= (uint32_t)(s->init_flags & EXTRA_FLAGS);
        s->setxattr_ext = out->flags & FUSE_SETXATTR_EXT;
        s->init_unique = 0;
    }
    atomic_store_explicit(&s->loop.in_hand, false, memory_order_relaxed);
    return writev(fd, iov, count);
}

const struct fuse_custom_io server_io = {.read = io_read, .writev = io_writev};

const void *server_request_body(const struct server *s, size_t size)
{
    if (s->request_len < sizeof(struct fuse_in_header) + size)
        return NULL;
    return s->request + sizeof(struct fuse_in_header);
}

void server_init(void *userdata, struct fuse_conn_info *conn)
{
    struct server *s = userdata;
    const unsigned want = FUSE_CAP_ASYNC_READ | FUSE_CAP_DONT_MASK | FUSE_CAP_READDIRPLUS |
                          FUSE_CAP_ASYNC_DIO | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_POSIX_ACL |
                          FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA;
    conn->want = conn->capable & want;
    if (s->o.no_writeback || s->ov->upper_fd < 0) /* with it, each close() outdates attributes */
        conn->want &= ~(unsigned)FUSE_CAP_WRITEBACK_CACHE;
    if (s->o.no_acl)
        conn->want &= ~(unsigned)FUSE_CAP_POSIX_ACL;
    s->ov->delayed_writes = conn->want & FUSE_CAP_WRITEBACK_CACHE;
    conn->max_background = 64;
    conn->congestion_threshold = 48;
    conn->time_gran = 1;
    s->open_is_free = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
}
