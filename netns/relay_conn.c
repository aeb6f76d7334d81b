/* SPDX-License-Identifier: Apache-2.0 */
/* One TCP connection of the relay: two sockets and the two ways between them (netns/relay.h). */
#include "netns/relay_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Bytes that one connection moves before the others have their turn. */
#define TURN  (4 * 1024 * 1024)
#define CHUNK (1024 * 1024)
/* A client that is gone without a word must not hold descriptors for ever. */
#define KEEPALIVE_SECONDS 600

struct end {
    struct relay_source source;
    struct relay_conn *conn;
    int fd;
    bool readable, writable; /* nothing has said EAGAIN since the last event */
};

/* From ends[i] to ends[!i]. */
struct way {
    struct relay_pipe pipe;
    size_t held; /* bytes in the pipe */
    bool eof;    /* of the one */
    bool shut;   /* and of the other */
};

enum list { LIST_ALL, LIST_BUSY, LIST_DEAD };

struct relay_conn {
    struct end ends[2]; /* the client, its partner */
    struct way ways[2];
    struct relay_conn *next, *previous; /* in `conns` */
    struct relay_conn *next_busy;       /* in `busy`, or in `dead` */
    struct sockaddr_storage peer;
    int tag;
    unsigned attempt;
    bool connecting, busy, dead;
};

static void unlink_busy(struct relay *r, struct relay_conn *c)
{
    for (struct relay_conn **p = &r->busy; *p; p = &(*p)->next_busy)
        if (*p == c) {
            *p = c->next_busy;
            break;
        }
    c->busy = false;
}

/* `reset`: both sides hear of it, with all that was not delivered. */
static void conn_end(struct relay *r, struct relay_conn *c, bool reset)
{
    struct linger none = {.l_onoff = 1};
    if (c->dead)
        return;
    for (size_t i = 0; i < 2; i++) {
        if (reset && c->ends[i].fd >= 0)
            setsockopt(c->ends[i].fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
        close_fd(&c->ends[i].fd);
        relay_pipe_put(r, &c->ways[i].pipe, c->ways[i].held > 0);
    }
    if (c->busy)
        unlink_busy(r, c);
    if (c->previous)
        c->previous->next = c->next;
    else
        r->conns = c->next;
    if (c->next)
        c->next->previous = c->previous;
    c->dead = true;
    c->next_busy = r->dead;
    r->dead = c;
    relay_listen_again(r);
}

/* Without a pipe, when descriptors are short: looked at, sent, and only then taken. */
static ssize_t copy_some(int from, int to, bool *ret_unreadable)
{
    static char buffer[64 * 1024];
    ssize_t n = recv(from, buffer, sizeof(buffer), MSG_PEEK | MSG_DONTWAIT);
    *ret_unreadable = n < 0 && errno == EAGAIN;
    if (n > 0)
        n = send(to, buffer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? recv(from, NULL, (size_t)n, MSG_TRUNC | MSG_DONTWAIT) : n;
}

/* The two steps: 1: moved something, 0: not now, -errno. */

static int pump_copy(struct way *w, struct end *from, struct end *to, size_t *turn)
{
    bool unreadable = false;
    if (!to->writable)
        return 0;
    ssize_t n = copy_some(from->fd, to->fd, &unreadable);
    if (n < 0 && errno == EAGAIN) {
        *(unreadable ? &from->readable : &to->writable) = false;
        return 0;
    }
    w->eof = n == 0;
    *turn += n > 0 ? (size_t)n : 0;
    return n < 0 ? -errno : 1;
}

static int pump_in(struct relay *r, struct way *w, struct end *from, struct end *to, size_t *turn)
{
    if (!from->readable || w->eof)
        return 0;
    if (w->pipe.in < 0 && relay_pipe_get(r, &w->pipe) < 0)
        return pump_copy(w, from, to, turn);
    ssize_t n = splice(from->fd, NULL, w->pipe.in, NULL, CHUNK, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0 && errno == EAGAIN) {
        /* With bytes in the pipe that may as well mean that the pipe is full. */
        if (w->held == 0)
            from->readable = false;
        return 0;
    }
    if (n < 0)
        return -errno;
    w->eof = n == 0;
    w->held += (size_t)n;
    *turn += (size_t)n;
    return 1;
}

static int pump_out(struct way *w, struct end *to)
{
    if (!w->held || !to->writable)
        return 0;
    ssize_t n = splice(w->pipe.out, NULL, to->fd, NULL, w->held, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0 && errno == EAGAIN) {
        to->writable = false;
        return 0;
    }
    if (n < 0)
        return -errno;
    w->held -= (size_t)n;
    return n > 0;
}

static int pump_way(struct relay *r, struct way *w, struct end *from, struct end *to, size_t *turn)
{
    int in = 0, out = 0;
    do {
        in = pump_in(r, w, from, to, turn);
        if (in >= 0)
            out = pump_out(w, to);
    } while (in >= 0 && out >= 0 && in + out > 0 && *turn < TURN);
    if (w->held == 0)
        relay_pipe_put(r, &w->pipe, false);
    if (in < 0 || out < 0)
        return in < 0 ? in : out;
    if (w->eof && w->held == 0 && !w->shut) {
        w->shut = true;
        if (shutdown(to->fd, SHUT_WR) < 0)
            return -errno;
    }
    return 0;
}

static bool has_more(const struct relay_conn *c)
{
    for (size_t i = 0; i < 2; i++)
        if ((c->ends[i].readable && !c->ways[i].eof && c->ends[!i].writable) ||
            (c->ways[i].held && c->ends[!i].writable))
            return true;
    return false;
}

static void pump(struct relay *r, struct relay_conn *c)
{
    size_t turn = 0;
    for (size_t i = 0; i < 2; i++)
        if (pump_way(r, &c->ways[i], &c->ends[i], &c->ends[!i], &turn) < 0) {
            conn_end(r, c, true);
            return;
        }
    if (c->ways[0].shut && c->ways[1].shut) {
        conn_end(r, c, false);
    } else if (turn >= TURN && has_more(c) && !c->busy) {
        c->busy = true;
        c->next_busy = r->busy;
        r->busy = c;
    }
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

static void dial(struct relay *r, struct relay_conn *c)
{
    struct end *partner = &c->ends[1];
    close_fd(&partner->fd);
    partner->readable = partner->writable = false;
    int fd = r->ops.dial(r->ops.ctx, c->tag, c->ends[0].fd, &c->peer, c->attempt++);
    if (fd < 0) {
        conn_end(r, c, true);
        return;
    }
    partner->fd = fd;
    c->connecting = true;
    if (relay_watch(r, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &partner->source) < 0)
        conn_end(r, c, true);
}

static void end_ready(struct relay *r, struct relay_source *s, uint32_t events)
{
    struct end *e = (struct end *)s;
    struct relay_conn *c = e->conn;
    if (c->dead)
        return;
    bool failed = events & EPOLLERR;
    e->readable |= failed || events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP);
    e->writable |= failed || events & (EPOLLOUT | EPOLLHUP);
    if (c->connecting && e == &c->ends[1]) {
        if (failed || socket_error(e->fd)) {
            dial(r, c);
            return;
        }
        c->connecting = !e->writable;
    }
    if (!c->connecting)
        pump(r, c); /* also after a reset: what came before it is delivered, if it can be */
    if (failed && !c->dead)
        conn_end(r, c, true);
}

static void set_options(int client)
{
    /* The senders have decided what a segment is. */
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
    setsockopt(client, IPPROTO_TCP, TCP_KEEPIDLE, &(int){KEEPALIVE_SECONDS}, sizeof(int));
}

void relay_conn_new(struct relay *r, int client, int tag, const struct sockaddr_storage *peer)
{
    struct relay_conn *c = new0(struct relay_conn);
    *c = (struct relay_conn){.tag = tag, .peer = *peer, .next = r->conns};
    for (size_t i = 0; i < 2; i++) {
        c->ends[i] = (struct end){.source.ready = end_ready, .conn = c, .fd = -1};
        c->ways[i].pipe = (struct relay_pipe){-1, -1};
    }
    c->ends[0].fd = client;
    if (r->conns)
        r->conns->previous = c;
    r->conns = c;
    set_options(client);
    dial(r, c);
    /* Last, so that the client's first event finds a partner. */
    if (!c->dead &&
        relay_watch(r, client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &c->ends[0].source) < 0)
        conn_end(r, c, true);
}

void relay_conns_turn(struct relay *r)
{
    struct relay_conn *list = r->busy;
    r->busy = NULL;
    for (struct relay_conn *c = list; c; c = list) {
        list = c->next_busy;
        c->busy = false;
        if (!c->dead)
            pump(r, c);
    }
}

void relay_conns_bury(struct relay *r)
{
    while (r->dead) {
        struct relay_conn *c = r->dead;
        r->dead = c->next_busy;
        free(c);
    }
}

void relay_conns_free(struct relay *r)
{
    while (r->conns)
        conn_end(r, r->conns, true);
    relay_conns_bury(r);
}
