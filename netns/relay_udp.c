/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: each peer of a listener has a flow, which is a connected socket on the other side.
 *
 * A flow lives until nothing came in either direction for a minute. There are FLOWS_MAX at most:
 * the one that has been quiet longest makes room, so a flood of made-up addresses costs the others
 * their flows and nothing else. */
#include "netns/relay_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/when.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FLOWS_MAX        1024
#define QUIET_MS         60000
#define BUCKETS          1024
#define DATAGRAMS_A_TURN 64

struct listener {
    struct relay_source source;
    int fd, tag;
    struct listener *next;
};

struct flow {
    struct relay_source source;
    struct listener *listener;
    struct sockaddr_storage peer;
    socklen_t peer_len;
    /* Which of our addresses was asked, as IP_PKTINFO or IPV6_PKTINFO tells it. */
    _Alignas(struct cmsghdr) char asked[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    size_t asked_len;
    int fd;
    int64_t used; /* ms, monotonic */
    struct flow *next_in_bucket;
    struct flow *older, *newer;
};

struct relay_udp {
    struct listener *listeners;
    struct flow *buckets[BUCKETS];
    struct flow *oldest, *newest;
    size_t n_flows;
    char datagram[65536];
};

static uint16_t peer_port(const struct sockaddr_storage *a)
{
    return ((const struct sockaddr_in *)a)->sin_port; /* at one place in both families */
}

static bool same_peer(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family || peer_port(a) != peer_port(b))
        return false;
    if (a->ss_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)a;
    const struct sockaddr_in6 *y = (const struct sockaddr_in6 *)b;
    return memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0 &&
           x->sin6_scope_id == y->sin6_scope_id;
}

static struct flow **bucket_of(struct relay_udp *u, const struct sockaddr_storage *peer)
{
    uint32_t h = peer_port(peer) * 2654435761u, word;
    size_t from = offsetof(struct sockaddr_in, sin_addr), n = sizeof(struct in_addr);
    if (peer->ss_family == AF_INET6) {
        from = offsetof(struct sockaddr_in6, sin6_addr);
        n = sizeof(struct in6_addr);
    }
    for (size_t i = 0; i < n; i += sizeof(word)) {
        memcpy(&word, (const char *)peer + from + i, sizeof(word));
        h = (h ^ word) * 2654435761u;
    }
    return &u->buckets[(h >> 16) % BUCKETS];
}

static void unlink_age(struct relay_udp *u, struct flow *f)
{
    *(f->older ? &f->older->newer : &u->oldest) = f->newer;
    *(f->newer ? &f->newer->older : &u->newest) = f->older;
}

static void link_newest(struct relay_udp *u, struct flow *f)
{
    f->older = u->newest;
    f->newer = NULL;
    *(u->newest ? &u->newest->newer : &u->oldest) = f;
    u->newest = f;
    f->used = when_monotonic_ms();
}

static void touch(struct relay_udp *u, struct flow *f)
{
    unlink_age(u, f);
    link_newest(u, f);
}

static void flow_close(struct relay_udp *u, struct flow *f)
{
    struct flow **p = bucket_of(u, &f->peer);
    while (*p != f)
        p = &(*p)->next_in_bucket;
    *p = f->next_in_bucket;
    unlink_age(u, f);
    close(f->fd);
    free(f);
    u->n_flows--;
}

int relay_udp_expire(struct relay *r)
{
    struct relay_udp *u = r->udp;
    int64_t left = 0;
    if (!u)
        return -1;
    /* Here and nowhere else flows end, so that no event of a round is about one that is gone. */
    while (u->n_flows > FLOWS_MAX)
        flow_close(u, u->oldest);
    while (u->oldest && (left = u->oldest->used + QUIET_MS - when_monotonic_ms()) <= 0)
        flow_close(u, u->oldest);
    return u->oldest ? (int)left + 1 : -1;
}

/* From the container's side back to the peer. */
static void flow_ready(struct relay *r, struct relay_source *s, uint32_t events)
{
    struct flow *f = (struct flow *)s;
    struct relay_udp *u = r->udp;
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        ssize_t n = recv(f->fd, u->datagram, sizeof(u->datagram), MSG_DONTWAIT);
        if (n < 0)
            return; /* nothing more, or nobody listens: the next datagram may find somebody */
        struct iovec part = {u->datagram, (size_t)n};
        struct msghdr m = {.msg_name = &f->peer,
                           .msg_namelen = f->peer_len,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = f->asked_len ? f->asked : NULL,
                           .msg_controllen = f->asked_len};
        sendmsg(f->listener->fd, &m, MSG_DONTWAIT); /* what does not fit is lost, as it may be */
        touch(u, f);
    }
}

/* The address that was asked; the interface only where the address needs it. */
static void keep_asked(struct flow *f, struct msghdr *m)
{
    f->asked_len = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO;
        bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO;
        if ((!v4 && !v6) || c->cmsg_len > sizeof(f->asked))
            continue;
        struct in_pktinfo *i4 = (struct in_pktinfo *)CMSG_DATA(c);
        struct in6_pktinfo *i6 = (struct in6_pktinfo *)CMSG_DATA(c);
        if (v4)
            i4->ipi_ifindex = 0;
        else if (!IN6_IS_ADDR_LINKLOCAL(&i6->ipi6_addr))
            i6->ipi6_ifindex = 0;
        memcpy(f->asked, c, c->cmsg_len);
        f->asked_len = CMSG_ALIGN(c->cmsg_len);
    }
}

static struct flow *flow_find(struct relay *r, struct listener *l, struct msghdr *m)
{
    struct relay_udp *u = r->udp;
    const struct sockaddr_storage *peer = m->msg_name;
    struct flow **bucket = bucket_of(u, peer);
    for (struct flow *f = *bucket; f; f = f->next_in_bucket)
        if (f->listener == l && same_peer(&f->peer, peer))
            return f;
    if (u->n_flows >= FLOWS_MAX + DATAGRAMS_A_TURN)
        return NULL; /* several listeners are flooded in one round */
    int fd = r->ops.dial(r->ops.ctx, l->tag, -1, peer, 0);
    if (fd < 0)
        return NULL;
    struct flow *f = new0(struct flow);
    *f = (struct flow){.source.ready = flow_ready,
                       .listener = l,
                       .peer = *peer,
                       .peer_len = m->msg_namelen,
                       .fd = fd,
                       .next_in_bucket = *bucket};
    keep_asked(f, m);
    *bucket = f;
    link_newest(u, f);
    u->n_flows++;
    relay_watch(r, fd, EPOLLIN, &f->source);
    return f;
}

static void listener_ready(struct relay *r, struct relay_source *s, uint32_t events)
{
    struct listener *l = (struct listener *)s;
    struct relay_udp *u = r->udp;
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        _Alignas(struct cmsghdr) char control[128];
        struct sockaddr_storage peer = {0};
        struct iovec part = {u->datagram, sizeof(u->datagram)};
        struct msghdr m = {.msg_name = &peer,
                           .msg_namelen = sizeof(peer),
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT);
        if (n < 0)
            return;
        struct flow *f = flow_find(r, l, &m);
        if (!f)
            continue;
        /* A refusal that an earlier one met is told now; this one is still to be sent. */
        if (send(f->fd, u->datagram, (size_t)n, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED)
            send(f->fd, u->datagram, (size_t)n, MSG_DONTWAIT);
        touch(u, f);
    }
}

int relay_add_udp(struct relay *r, int fd, int tag, struct err *err)
{
    if (!r->udp)
        r->udp = new0(struct relay_udp);
    struct listener *l = new0(struct listener);
    *l = (struct listener){
        .source.ready = listener_ready, .fd = fd, .tag = tag, .next = r->udp->listeners};
    r->udp->listeners = l;
    int code = relay_watch(r, fd, EPOLLIN, &l->source);
    return code < 0 ? err_errno(err, code, "watch a socket for datagrams") : 0;
}

void relay_udp_free(struct relay *r)
{
    struct relay_udp *u = r->udp;
    if (!u)
        return;
    while (u->oldest)
        flow_close(u, u->oldest);
    while (u->listeners) {
        struct listener *l = u->listeners;
        u->listeners = l->next;
        close(l->fd);
        free(l);
    }
    free(u);
}
