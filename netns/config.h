/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's private network is like. Plain data: it crosses the channel to the helper. */
#pragma once

#include "base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define NETNS_DEVICE  "tap0"
#define NETNS_MTU     65520 /* what libslirp and the tap take at most; slirp4netns's with podman */
#define NETNS_MTU_MIN 1280  /* IPv6's */
#define NETNS_MTU_MAX 65521

struct netns_config {
    uint32_t mtu;
    struct in_addr network, mask; /* 10.0.2.0/24, and in it: */
    struct in_addr gateway, dns, address;
    uint32_t prefix_len;
    bool ipv6;          /* fd00::/64 beside it, where the kernel has IPv6 */
    bool ipv6_required; /* it was asked for: to have none is an error */
    struct in6_addr network6, gateway6, dns6, address6;
    bool allow_host_loopback;     /* the gateway is the host's 127.0.0.1 and ::1 */
    struct in_addr outbound_addr; /* what connections come from; 0: the kernel chooses */
    struct in6_addr outbound_addr6;
    uint8_t mac[6]; /* of the container's end; all 0: any */
};

#define NETNS_PREFIX6_LEN 64

/* podman's and slirp4netns's addresses, without the host's loopback. */
void netns_config_init(struct netns_config *ret);

/* One option as `slirp4netns:` has it: mtu=, cidr=, enable_ipv6=, allow_host_loopback=,
 * outbound_addr=, outbound_addr6= (addresses). Changes *c on success only. Errors are ERR_USAGE. */
int netns_config_option(struct netns_config *c, const char *option, struct err *err);

/* "02:11:22:33:44:55", a unicast address. */
int netns_config_mac(struct netns_config *c, const char *text, struct err *err);
