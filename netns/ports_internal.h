/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the port process share. */
#pragma once

#include "netns/ports.h"

/* Of our packets inside, and of what answers them. */
#define PORTS_MARK 0x77727279

struct ports {
    const struct netns_config *config;
    bool transparent;     /* TCP: answers to any address come back to us */
    bool udp_transparent; /* UDP: what a published port sends to the gateway comes to us */
};

/* A listener's tag. */
static inline int ports_tag(uint16_t container_port, bool udp)
{
    return container_port | (udp ? 1 << 16 : 0);
}

/* ports_dial.c: the relay's operation, with a struct ports as its context. */
int ports_dial(void *ctx, int tag, int client, const struct sockaddr_storage *peer,
               unsigned attempt);

/* ports_route.c, in the container's namespaces. What cannot be set up is left out, and `p` says
 * what is there. */
void ports_route_setup(struct ports *p, const struct netns_port *ports, size_t n);

/* ports_confine.c: leaves CAP_NET_ADMIN over the container's network, no file and no program. */
int ports_confine(struct err *err);
