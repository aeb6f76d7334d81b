/* SPDX-License-Identifier: Apache-2.0 */
/* The connecting sockets of published ports (netns/ports.h). */
#include "netns/ports_internal.h"

#include "base/cleanup.h"

#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/* linux/in6.h, which does not go together with libc's netinet/in.h. */
#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

union address {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t length(const union address *a)
{
    return a->sa.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

/* A client of IPv4 on a socket for both is "::ffff:1.2.3.4". */
static union address plain(const struct sockaddr_storage *peer)
{
    union address a;
    memcpy(&a, peer, sizeof(a));
    if (a.sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = a.v6.sin6_port};
        memcpy(&v4.sin_addr, &a.v6.sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
        a = (union address){.v4 = v4};
    }
    return a;
}

static union address inside(int family, const struct netns_config *c, bool gateway, uint16_t port)
{
    union address a = {.v6.sin6_family = AF_INET6,
                       .v6.sin6_port = htons(port),
                       .v6.sin6_addr = gateway ? c->gateway6 : c->address6};
    if (family == AF_INET)
        a = (union address){.v4 = {.sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = gateway ? c->gateway : c->address}};
    return a;
}

/* Whether the address could be mistaken inside for another one: of the loopback, of the private
 * network, or without a meaning beyond a link. */
static bool is_ambiguous(const struct netns_config *c, const union address *a)
{
    if (a->sa.sa_family == AF_INET) {
        uint32_t first = ntohl(a->v4.sin_addr.s_addr) >> 24;
        return first == 127 || first == 0 ||
               (a->v4.sin_addr.s_addr & c->mask.s_addr) == c->network.s_addr;
    }
    const struct in6_addr *v6 = &a->v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_LINKLOCAL(v6) || IN6_IS_ADDR_UNSPECIFIED(v6) ||
           memcmp(v6, &c->network6, NETNS_PREFIX6_LEN / 8) == 0;
}

static int set_transparent(int fd, int family)
{
    int mark = PORTS_MARK, yes = 1;
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int name = family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT;
    return setsockopt(fd, level, name, &yes, sizeof(yes)) < 0 ||
                   setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0
               ? -errno
               : 0;
}

/* `any_port`: the client's own port is taken inside. */
static int bind_source(int fd, union address *source, bool any_port)
{
    int yes = 1;
    if (any_port) {
        source->v4.sin_port = 0; /* at one place in both families */
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    }
    return bind(fd, &source->sa, length(source)) < 0 ? -errno : 0;
}

static int connect_from(const struct ports *p, bool udp, union address *source,
                        const union address *target, bool any_port)
{
    int family = target->sa.sa_family;
    int kind = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    auto_close int fd = socket(family, kind, 0);
    if (fd < 0)
        return -errno;
    bool transparent = udp ? p->udp_transparent : p->transparent;
    int r = transparent ? set_transparent(fd, family) : 0;
    if (r == 0 && transparent)
        r = bind_source(fd, source, any_port);
    if (r < 0)
        return r;
    if (!udp)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, &target->sa, length(target)) < 0 && errno != EINPROGRESS)
        return -errno;
    return take_fd(&fd);
}

/* The client's port is the best one to have: like the client's kernel we then never use it twice at
 * a time, and a log inside shows the same as one outside. */
static int connect_to(const struct ports *p, bool udp, int family, const union address *peer,
                      uint16_t port)
{
    union address target = inside(family, p->config, false, port);
    union address source = *peer;
    if (udp || family != peer->sa.sa_family || is_ambiguous(p->config, peer))
        source = inside(family, p->config, true, ntohs(peer->v4.sin_port));
    int fd = connect_from(p, udp, &source, &target, false);
    return fd >= 0 || fd == -EMFILE ? fd : connect_from(p, udp, &source, &target, true);
}

/* First to the address of the client's family; a server that listens only on the other one is found
 * in the second attempt. */
int ports_dial(void *ctx, int tag, int client, const struct sockaddr_storage *peer,
               unsigned attempt)
{
    const struct ports *p = ctx;
    union address from = plain(peer);
    int fd = -ECONNREFUSED;
    for (unsigned i = attempt; i < 2 && fd < 0; i++) {
        int family = (from.sa.sa_family == AF_INET) == (i == 0) ? AF_INET : AF_INET6;
        if (family == AF_INET || p->config->ipv6)
            fd = connect_to(p, client < 0, family, &from, (uint16_t)tag);
    }
    return fd;
}
