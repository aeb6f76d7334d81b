/* SPDX-License-Identifier: Apache-2.0 */
/* Joins pairs of sockets: what comes in on one goes out on the other, in both directions.
 *
 * Theory of operation. One thread, one epoll. A TCP connection that is accepted on a listener gets
 * a partner, which the caller makes (`dial`); then bytes are spliced from one socket through a pipe
 * into the other, without ever being seen. Both sockets are watched edge-triggered from their first
 * moment to their last, so a busy connection costs no epoll_ctl: an event only notes that a socket
 * can be read or written again, and relay_pump() works until neither is true.
 *
 * A pipe belongs to a direction only while bytes are in it (relay_pipe.c), so an idle connection
 * costs two descriptors. A direction that has filled its pipe stops reading: the sender's window
 * closes, which is all the back-pressure there is.
 *
 * The end of a stream becomes the end of the other one when all bytes before it are out (half-close
 * is kept), and a reset becomes a reset. When descriptors are short, listening rests until a
 * connection has ended; who connects meanwhile waits in the kernel's queue. */
#pragma once

#include "base/err.h"

#include <sys/socket.h>

struct relay;

struct relay_ops {
    void *ctx;
    /* Makes the partner of a connection from `peer` that came in on the listener `tag` as `client`:
     * a non-blocking, connecting (or connected) socket. `attempt` counts from 0: after one that was
     * refused it is called again, until it returns a negative errno; then the client is reset. */
    int (*dial)(void *ctx, int tag, int client, const struct sockaddr_storage *peer,
                unsigned attempt);
};

/* `ops` is copied. NULL after an error. Raises the limit of descriptors as far as it goes. */
struct relay *relay_new(const struct relay_ops *ops, struct err *err);

/* A listening TCP socket, which belongs to the relay from now on, also after an error. */
int relay_add_listener(struct relay *r, int fd, int tag, struct err *err);

/* A bound UDP socket, likewise. Each peer gets a socket of its own from `dial` (with `client` -1),
 * for as long as datagrams come. The listener needs IP_PKTINFO or IPV6_RECVPKTINFO when it is bound
 * to several addresses, so that answers come from the one that was asked. */
int relay_add_udp(struct relay *r, int fd, int tag, struct err *err);

/* Works until `stop_fd` (-1: none) can be read or has ended. */
int relay_run(struct relay *r, int stop_fd, struct err *err);

/* Resets what is open. */
void relay_free(struct relay *r);
