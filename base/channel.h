/* SPDX-License-Identifier: Apache-2.0 */
/* Framed messages with descriptors between our processes.
 *
 * A channel is a SOCK_SEQPACKET unix socket: one send is one message, whole or not at all, and the
 * other end's death is an end of file. Every user declares an enum for its message types. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHANNEL_MAX     (64 * 1024) /* largest payload */
#define CHANNEL_FDS_MAX 8

/* A connected pair, CLOEXEC. */
int channel_pair(int ret_fds[2], struct err *err);

/* Sends one message. 0; -EPIPE when the other end is gone; -EAGAIN when the socket is non-blocking
 * and full. */
int channel_send(int sock, uint32_t type, const void *data, size_t len, const int *fds,
                 size_t n_fds);

struct channel_msg {
    uint32_t type;
    size_t len;
    char data[CHANNEL_MAX + 1]; /* data[len] == 0 */
    int fds[CHANNEL_FDS_MAX];   /* CLOEXEC, now the receiver's */
    size_t n_fds;
};

/* Receives one message: 1; 0 at the end; negative errno (-EAGAIN when non-blocking and empty). */
int channel_recv(int sock, struct channel_msg *msg);

/* Closes descriptors that came with the message and were not taken (set to -1). */
void channel_msg_done(struct channel_msg *msg);

/* Listens at, or connects to, `name` in the directory `dirfd` (through /proc/self/fd, so the
 * length of the path does not matter). Returns the socket or a negative errno. */
int channel_listen_at(int dirfd, const char *name, struct err *err);
int channel_connect_at(int dirfd, const char *name, struct err *err);
