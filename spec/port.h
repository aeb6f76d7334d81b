/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of containers, as --publish, --expose, `port` and EXPOSE write them. */
#pragma once

#include "base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum port_protocol { PORT_TCP, PORT_UDP };

/* `count` ports side by side, of the container and of the host. */
struct port_mapping {
    char host_ip[INET6_ADDRSTRLEN]; /* "": every address of the host */
    uint16_t host_port;             /* 0: any free one, for each of them */
    uint16_t container_port;
    uint16_t count; /* at least 1; container_port + count - 1 <= 65535, host_port likewise */
    enum port_protocol protocol;
};

/* "tcp" or "udp". */
const char *port_protocol_name(enum port_protocol protocol);

/* [[IP:][HOSTPORT]:]PORT[/PROTOCOL], where both ports may be ranges of one length and an IPv6
 * address stands in brackets. 0.0.0.0 is every address, as nothing is. ERR_USAGE. */
int port_mapping_parse(const char *text, struct port_mapping *ret, struct err *err);

/* PORT[-PORT][/PROTOCOL], without any host part. ERR_USAGE. */
int port_expose_parse(const char *text, struct port_mapping *ret, struct err *err);

/* Whether both would listen on the same port of the host. */
bool port_mappings_conflict(const struct port_mapping *a, const struct port_mapping *b);
