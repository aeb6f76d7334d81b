/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's attached clients. */
#include "runtime/clients.h"

#include "base/channel.h"
#include "base/cleanup.h"
#include "runtime/monitor.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct queued {
    uint32_t type, len;
};

int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void client_drop(struct client *c)
{
    close_fd(&c->sock);
}

/* One that has closed its end: what it said before (MON_LEAVE) is in the socket, and then the end.
 */
static void send_failed(struct client *c, int code)
{
    if (code != -EPIPE)
        client_drop(c);
    c->deaf = true;
    buf_done(&c->out);
    c->out_start = 0;
}

static void client_done(struct client *c)
{
    close_fd(&c->sock);
    buf_done(&c->out);
    buf_done(&c->in);
}

void clients_done(struct clients *cs)
{
    for (size_t i = 0; i < cs->n; i++)
        client_done(&cs->v[i]);
    cs->n = 0;
}

struct client *clients_add(struct clients *cs, int sock)
{
    /* One that is gone, and whose input nobody took, makes room. */
    for (size_t i = 0; cs->n == CLIENTS_MAX && i < cs->n; i++)
        if (cs->v[i].sock < 0) {
            client_done(&cs->v[i]);
            cs->v[i] = cs->v[--cs->n];
        }
    if (cs->n == CLIENTS_MAX) {
        close(sock);
        return NULL;
    }
    fcntl(sock, F_SETFL, O_NONBLOCK);
    cs->v[cs->n] = (struct client){.sock = sock, .last_progress = clock_ms()};
    return &cs->v[cs->n++];
}

void clients_accept(struct clients *cs, int listener, const void *started, size_t len)
{
    int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (sock < 0)
        return;
    /* The run directory is 0700 already; a second look costs nothing. */
    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
        (peer.uid != geteuid() && peer.uid != 0)) {
        close(sock);
        return;
    }
    struct client *c = clients_add(cs, sock);
    if (c)
        client_send(c, MON_STARTED, started, len);
}

static size_t waiting(const struct client *c)
{
    return c->out.len - c->out_start;
}

void client_send(struct client *c, uint32_t type, const void *data, size_t len)
{
    if (c->sock < 0 || c->deaf)
        return;
    if (waiting(c) == 0) {
        int r = channel_send(c->sock, type, data, len, NULL, 0);
        if (r == 0)
            c->last_progress = clock_ms();
        else if (r != -EAGAIN)
            send_failed(c, r);
        if (r != -EAGAIN)
            return;
        c->last_progress = clock_ms();
    }
    struct queued head = {.type = type, .len = (uint32_t)len};
    buf_add(&c->out, &head, sizeof(head));
    buf_add(&c->out, data, len);
}

void clients_broadcast(struct clients *cs, uint32_t type, const void *data, size_t len)
{
    for (size_t i = 0; i < cs->n; i++)
        client_send(&cs->v[i], type, data, len);
}

void client_flush(struct client *c)
{
    while (c->sock >= 0 && waiting(c)) {
        struct queued head;
        memcpy(&head, c->out.data + c->out_start, sizeof(head));
        int r = channel_send(c->sock, head.type, c->out.data + c->out_start + sizeof(head),
                             head.len, NULL, 0);
        if (r == -EAGAIN)
            break;
        if (r < 0) {
            send_failed(c, r);
            return;
        }
        c->out_start += sizeof(head) + head.len;
        c->last_progress = clock_ms();
    }
    /* The front is cut off rarely: moving the rest for each message would be quadratic. */
    if (c->out_start == c->out.len || c->out_start > CLIENT_QUEUE) {
        buf_consume(&c->out, c->out_start);
        c->out_start = 0;
    }
}

int client_receive(struct client *c, struct channel_msg *msg)
{
    while (c->sock >= 0) {
        int r = channel_recv(c->sock, msg);
        if (r == -EAGAIN)
            return 0;
        if (r <= 0) {
            client_drop(c);
            return 0;
        }
        channel_msg_done(msg); /* nobody may hand us descriptors */
        switch (msg->type) {
        case MON_STDIN:
            if (c->in.len + msg->len > 2 * MON_STDIN_WINDOW)
                client_drop(c);
            else if (!c->in_eof)
                buf_add(&c->in, msg->data, msg->len);
            break;
        case MON_STDIN_EOF: c->in_eof = true; break;
        case MON_WAITING: c->last_progress = clock_ms(); break;
        default: return 1;
        }
    }
    return 0;
}

bool clients_full(const struct clients *cs)
{
    for (size_t i = 0; i < cs->n; i++)
        if (cs->v[i].sock >= 0 && waiting(&cs->v[i]) > CLIENT_QUEUE)
            return true;
    return false;
}

bool clients_pending(const struct clients *cs)
{
    for (size_t i = 0; i < cs->n; i++)
        if (cs->v[i].sock >= 0 && waiting(&cs->v[i]))
            return true;
    return false;
}

int clients_reap(struct clients *cs)
{
    int64_t now = clock_ms(), next = -1;
    for (size_t i = 0; i < cs->n; i++) {
        struct client *c = &cs->v[i];
        if (c->sock >= 0 && waiting(c) && !cs->patient) {
            int64_t left = c->last_progress + CLIENT_PATIENCE - now;
            if (left <= 0)
                client_drop(c);
            else if (next < 0 || left < next)
                next = left;
        }
        /* A client that is gone may still have typed something: that is delivered. */
        if (c->sock < 0 && c->in.len == 0 && !c->in_eof) {
            client_done(c);
            cs->v[i--] = cs->v[--cs->n];
        }
    }
    return (int)next;
}
