/* SPDX-License-Identifier: Apache-2.0 */
/* What the relay's parts share. */
#pragma once

#include "netns/relay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_PIPES_KEPT 8

struct relay_source {
    void (*ready)(struct relay *r, struct relay_source *s, uint32_t events);
};

struct relay_pipe {
    int in, out; /* written to, read from; -1: none */
};

struct relay_listener {
    struct relay_source source;
    int fd, tag;
    struct relay_listener *next;
};

struct relay_conn;
struct relay_udp;

struct relay {
    struct relay_ops ops;
    int epoll;
    bool stopped;
    bool resting; /* the listeners are not watched, for want of descriptors */
    int fd_limit; /* no descriptor reaches it */
    struct relay_listener *listeners;
    struct relay_udp *udp;
    struct relay_conn *conns; /* all */
    struct relay_conn *busy;  /* have used up their turn and have more to do */
    struct relay_conn *dead;  /* to be freed when all events of this round are done */
    struct relay_pipe pipes[RELAY_PIPES_KEPT];
    size_t n_pipes;
};

int relay_watch(struct relay *r, int fd, uint32_t events, struct relay_source *s);

/* relay_pipe.c: an empty pipe, or -errno. */
int relay_pipe_get(struct relay *r, struct relay_pipe *ret);
/* Gives it back; with bytes in it (`dirty`) it is closed. */
void relay_pipe_put(struct relay *r, struct relay_pipe *p, bool dirty);
void relay_pipes_free(struct relay *r);

/* relay_conn.c: takes `client`, in any case. */
void relay_conn_new(struct relay *r, int client, int tag, const struct sockaddr_storage *peer);
/* Those that are in the list `busy` get another turn. */
void relay_conns_turn(struct relay *r);
void relay_conns_bury(struct relay *r);
void relay_conns_free(struct relay *r);

/* relay.c: a connection has ended: descriptors are free again. */
void relay_listen_again(struct relay *r);

/* relay_udp.c: closes flows that are quiet. Returns ms until the next one may be, -1: none. */
int relay_udp_expire(struct relay *r);
void relay_udp_free(struct relay *r);
