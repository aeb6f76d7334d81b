/* SPDX-License-Identifier: Apache-2.0 */
/* The published ports of a private network.
 *
 * Theory of operation. A socket belongs to the network namespace in which it was made. So the
 * helper makes the listening sockets while nothing of it has left the host's namespaces (a port
 * that is in use or privileged is an error before the container starts), and forks the port
 * process, which has them; when init has told the container's namespaces, that process joins its
 * user and network namespaces, where every socket it makes from then on is one of the container's.
 * Nothing is ever passed for a connection. What it then is, is the relay (relay.h):
 *
 *   helper                      port process
 *   fork              ---->     listens on the host
 *   PORTS_ENTER (namespaces) -> joins, sets the routes up, gives up its power
 *                     <----     PORTS_READY: struct err
 *   keeps its end               relays until the channel ends
 *
 * The server in the container sees the true address of a TCP client: the connecting socket is bound
 * to it (IP_TRANSPARENT) and marked, what it sends is accepted with the same mark
 * (tcp_fwmark_accept), and a rule leads marked packets back to us (ports_route.c). A client on the
 * host's loopback, one whose address is of the private network, and every UDP client is seen as the
 * gateway; where the kernel has no such routing, all are seen as the container's own address. */
#pragma once

#include "netns/config.h"

#include <sys/socket.h>
#include <sys/types.h>

/* `count` ports from `host` on lead to as many of the container from `container_port` on. */
struct netns_port {
    struct sockaddr_in6 host; /* or a sockaddr_in; :: is every address, also of IPv4 */
    uint16_t container_port, count;
    bool udp;
};

/* Ranges in one message to the helper. */
#define NETNS_PORTS_MAX 1024

/* Forks the port process, which listens on what `ports` (borrowed) say. *ret_channel: to it. The
 * caller must have one thread, the host's namespaces and the user's id. */
pid_t netns_ports_start(const struct netns_config *c, const struct netns_port *ports, size_t n,
                        int *ret_channel, struct err *err);

/* Sends it into the namespaces; returns what came of it, of its listening too. */
int netns_ports_enter(int channel, int user_ns, int net_ns, struct err *err);
