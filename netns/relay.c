/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's loop and its listeners (netns/relay.h). */
#include "netns/relay_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS_A_ROUND 256
/* Connections that one listener takes before what is open has its turn. */
#define ACCEPTS_A_ROUND 64
/* Left for pipes of connections that are open. */
#define FDS_SPARED 64
#define REST_MS    100

int relay_watch(struct relay *r, int fd, uint32_t events, struct relay_source *s)
{
    struct epoll_event e = {.events = events, .data.ptr = s};
    return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur;
}

struct relay *relay_new(const struct relay_ops *ops, struct err *err)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        err_errno(err, -errno, "epoll");
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN); /* splice() has no MSG_NOSIGNAL */
    struct relay *r = new0(struct relay);
    *r = (struct relay){.ops = *ops, .epoll = epoll, .fd_limit = raise_limit()};
    return r;
}

static void watch_listeners(struct relay *r, int op)
{
    for (struct relay_listener *l = r->listeners; l; l = l->next) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &l->source};
        epoll_ctl(r->epoll, op, l->fd, &e);
    }
    r->resting = op == EPOLL_CTL_DEL;
}

void relay_listen_again(struct relay *r)
{
    if (r->resting)
        watch_listeners(r, EPOLL_CTL_ADD);
}

static bool out_of_descriptors(int code)
{
    return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

static void listener_ready(struct relay *r, struct relay_source *s, uint32_t events)
{
    struct relay_listener *l = (struct relay_listener *)s;
    for (int i = 0; i < ACCEPTS_A_ROUND && !r->resting; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        /* One whose number is that high would take what open connections need to go on. */
        if (fd < 0 ? out_of_descriptors(errno) : fd >= r->fd_limit - FDS_SPARED)
            watch_listeners(r, EPOLL_CTL_DEL);
        if (fd < 0)
            return;
        relay_conn_new(r, fd, l->tag, &peer);
    }
}

int relay_add_listener(struct relay *r, int fd, int tag, struct err *err)
{
    struct relay_listener *l = new0(struct relay_listener);
    *l = (struct relay_listener){
        .source.ready = listener_ready, .fd = fd, .tag = tag, .next = r->listeners};
    r->listeners = l;
    int code = relay_watch(r, fd, EPOLLIN, &l->source);
    return code < 0 ? err_errno(err, code, "watch a listening socket") : 0;
}

static void stop_ready(struct relay *r, struct relay_source *s, uint32_t events)
{
    (void)s;
    (void)events;
    r->stopped = true;
}

/* ms. When no connection is open, none can end and wake the listeners. */
static int round_wait(struct relay *r)
{
    int wait = relay_udp_expire(r);
    if (r->busy)
        return 0;
    return r->resting && !r->conns ? REST_MS : wait;
}

int relay_run(struct relay *r, int stop_fd, struct err *err)
{
    struct relay_source stop = {.ready = stop_ready};
    struct epoll_event events[EVENTS_A_ROUND];
    int code = stop_fd < 0 ? 0 : relay_watch(r, stop_fd, EPOLLIN, &stop);
    if (code < 0)
        return err_errno(err, code, "watch the relay's end");
    while (!r->stopped) {
        int n = epoll_wait(r->epoll, events, EVENTS_A_ROUND, round_wait(r));
        if (n < 0 && errno != EINTR)
            return err_errno(err, -errno, "wait for the relay's sockets");
        for (int i = 0; i < n; i++) {
            struct relay_source *s = events[i].data.ptr;
            s->ready(r, s, events[i].events);
        }
        if (!r->conns)
            relay_listen_again(r);
        relay_conns_turn(r);
        relay_conns_bury(r);
    }
    return 0;
}

void relay_free(struct relay *r)
{
    r->resting = false;
    relay_conns_free(r);
    relay_udp_free(r);
    relay_pipes_free(r);
    while (r->listeners) {
        struct relay_listener *l = r->listeners;
        r->listeners = l->next;
        close(l->fd);
        free(l);
    }
    close(r->epoll);
    free(r);
}
