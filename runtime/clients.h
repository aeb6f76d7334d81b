/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's attached clients: queues that are bounded both ways.
 *
 * Theory of operation. Output goes straight into the client's socket; what does not fit waits in
 * its queue. A queue beyond CLIENT_QUEUE makes the monitor pause reading the container's output (a
 * pipe's back-pressure); a client that takes nothing for CLIENT_PATIENCE in that state is dropped,
 * unless it says MON_WAITING, which is the way of a foreground `run` before a pager.
 * Input is credited: a client has at most MON_STDIN_WINDOW bytes under way, so its channel is
 * always read and its signals never wait behind data. Who breaks that rule is dropped. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_QUEUE    (1024 * 1024)
#define CLIENT_PATIENCE 10000 /* ms */
#define CLIENTS_MAX     64

struct client {
    int sock;              /* non-blocking; -1: dropped, to be removed */
    struct buf out;        /* messages that did not fit: header, payload, header... */
    size_t out_start;      /* of what is not sent yet */
    struct buf in;         /* for the container's stdin */
    bool in_eof;           /* the end follows `in` */
    bool wants_check;      /* it asked for a health check: MON_CHECK */
    bool deaf;             /* it takes nothing more, but what it said last is still to be read */
    int64_t last_progress; /* ms, monotonic */
};

struct clients {
    struct client v[CLIENTS_MAX];
    size_t n;
    bool patient; /* nobody is dropped for being slow */
};

int64_t clock_ms(void);

void clients_done(struct clients *cs);
/* Takes the socket. */
struct client *clients_add(struct clients *cs, int sock);
void clients_accept(struct clients *cs, int listener, const void *started, size_t len);

void client_send(struct client *c, uint32_t type, const void *data, size_t len);
void clients_broadcast(struct clients *cs, uint32_t type, const void *data, size_t len);
/* Sends what waits in the queue, as far as it goes. */
void client_flush(struct client *c);

/* Takes what the client says: stdin is queued in it, MON_WAITING counts as progress. 1 and *ret: a
 * message for the caller (resize, signal); 0: nothing more now. */
struct channel_msg;
int client_receive(struct client *c, struct channel_msg *msg);

bool clients_full(const struct clients *cs);    /* output must pause */
bool clients_pending(const struct clients *cs); /* something waits in a queue */
/* Drops clients without patience left and forgets dropped ones. Returns ms until the next could
 * be dropped, -1: none. */
int clients_reap(struct clients *cs);
