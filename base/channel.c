/* SPDX-License-Identifier: Apache-2.0 */
/* Framed messages with descriptors. */
#include "base/channel.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

int channel_pair(int ret_fds[2], struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
        return err_errno(err, -errno, "socketpair");
    return 0;
}

int channel_send(int sock, uint32_t type, const void *data, size_t len, const int *fds,
                 size_t n_fds)
{
    if (len > CHANNEL_MAX || n_fds > CHANNEL_FDS_MAX)
        return -EMSGSIZE;
    struct iovec iov[2] = {{.iov_base = &type, .iov_len = sizeof(type)},
                           {.iov_base = (void *)data, .iov_len = len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
    } control = {0};
    if (n_fds) {
        m.msg_control = control.room;
        m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    }
    while (sendmsg(sock, &m, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR)
            continue;
        return errno == ECONNRESET ? -EPIPE : -errno;
    }
    return 0;
}

static void take_fds(struct channel_msg *msg, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n && msg->n_fds < CHANNEL_FDS_MAX; i++)
            memcpy(&msg->fds[msg->n_fds++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

int channel_recv(int sock, struct channel_msg *msg)
{
    msg->n_fds = 0;
    msg->len = 0;
    struct iovec iov[2] = {{.iov_base = &msg->type, .iov_len = sizeof(msg->type)},
                           {.iov_base = msg->data, .iov_len = CHANNEL_MAX}};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
    } control;
    struct msghdr m = {.msg_iov = iov,
                       .msg_iovlen = 2,
                       .msg_control = control.room,
                       .msg_controllen = sizeof(control.room)};
    ssize_t n;
    while ((n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC)) < 0) {
        /* The other end closed without having read all: told once, and before what it had sent. */
        if (errno == EINTR || errno == ECONNRESET)
            continue;
        return -errno;
    }
    if (n == 0)
        return 0;
    take_fds(msg, &m);
    if (n < (ssize_t)sizeof(msg->type) || (m.msg_flags & MSG_TRUNC)) {
        channel_msg_done(msg);
        return -EBADMSG;
    }
    msg->len = (size_t)n - sizeof(msg->type);
    msg->data[msg->len] = 0;
    return 1;
}

void channel_msg_done(struct channel_msg *msg)
{
    for (size_t i = 0; i < msg->n_fds; i++)
        close_fd(&msg->fds[i]);
    msg->n_fds = 0;
}

/* sun_path has 108 bytes: /proc/self/fd/N/NAME is short whatever the directory is called. */
static int address(int dirfd, const char *name, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
    return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

int channel_listen_at(int dirfd, const char *name, struct err *err)
{
    struct sockaddr_un sa;
    int r = address(dirfd, name, &sa);
    auto_close int sock = r < 0 ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return err_errno(err, r < 0 ? r : -errno, "socket %s", name);
    unlinkat(dirfd, name, 0);
    if (bind(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(sock, 128) < 0)
        return err_errno(err, -errno, "listen at %s", name);
    return take_fd(&sock);
}

int channel_connect_at(int dirfd, const char *name, struct err *err)
{
    struct sockaddr_un sa;
    int r = address(dirfd, name, &sa);
    auto_close int sock = r < 0 ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return err_errno(err, r < 0 ? r : -errno, "socket %s", name);
    if (connect(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0)
        return err_errno(err, -errno, "connect to %s", name);
    return take_fd(&sock);
}
