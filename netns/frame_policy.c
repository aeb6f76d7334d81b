/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames of a container may go to libslirp. */
#include "netns/frame_policy.h"

#include "netns/frame_internal.h"

#include <string.h>

#define DNS_PORT 53

/* What the name servers' addresses are for: `payload` is UDP's or TCP's header. */
static bool is_dns(unsigned protocol, const uint8_t *payload, size_t n)
{
    return (protocol == IPPROTO_UDP || protocol == IPPROTO_TCP) && n >= 4 &&
           get16(payload + 2) == DNS_PORT;
}

static bool ipv4_allowed(const struct netns_config *c, const uint8_t *p, size_t n)
{
    struct in_addr to;
    if (n < IPV4_LEN)
        return false;
    size_t header = 4u * (p[0] & 15);
    unsigned protocol = p[9];
    memcpy(&to, p + 16, sizeof(to));
    uint32_t address = ntohl(to.s_addr), first = address >> 24;
    if (header < IPV4_LEN || header > n || first == 0 || first == 127 || first >= 224)
        return false;
    /* Pieces that were made for it corrupt libslirp's memory (4.7.0; of IPv6 it takes none), and a
     * port could hide in them. Only datagrams that are longer than the MTU come in pieces. */
    if (get16(p + 6) & IPV4_FRAGMENTED)
        return false;
    if (to.s_addr == c->dns.s_addr)
        return protocol == IPPROTO_ICMP || is_dns(protocol, p + header, n - header);
    if ((to.s_addr & c->mask.s_addr) == c->network.s_addr)
        return c->allow_host_loopback || protocol == IPPROTO_ICMP;
    return true;
}

static bool starts_with(const uint8_t *address, const void *prefix, size_t len)
{
    return memcmp(address, prefix, len) == 0;
}

/* The host's own (::, ::1 and what has an IPv4 address in it): ::/80 with 0 or ffff behind. */
static bool is_host_ipv6(const uint8_t *to)
{
    static const uint8_t zero[10];
    return starts_with(to, zero, sizeof(zero)) && (get16(to + 10) == 0 || get16(to + 10) == 0xffff);
}

static bool ipv6_allowed(const struct netns_config *c, const uint8_t *p, size_t n)
{
    if (!c->ipv6 || n < IPV6_LEN)
        return false;
    const uint8_t *to = p + 24;
    unsigned protocol = p[6]; /* libslirp knows no extension headers */
    if (is_host_ipv6(to))
        return false;
    if (protocol == IPPROTO_ICMPV6) /* neighbours; an echo reaches no service */
        return true;
    if (to[0] == 0xff || (to[0] == 0xfe && to[1] >= 0x80))
        return false; /* multicast, link-local, site-local */
    if (starts_with(to, &c->dns6, 16))
        return is_dns(protocol, p + IPV6_LEN, n - IPV6_LEN);
    if (starts_with(to, &c->network6, NETNS_PREFIX6_LEN / 8))
        return c->allow_host_loopback;
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

bool frame_allowed(const struct netns_config *c, const uint8_t *frame, size_t n)
{
    if (n < ETHER_LEN)
        return false;
    switch (get16(frame + 12)) {
    case ETHER_TYPE_IPV4: return ipv4_allowed(c, frame + ETHER_LEN, n - ETHER_LEN);
    case ETHER_TYPE_IPV6: return ipv6_allowed(c, frame + ETHER_LEN, n - ETHER_LEN);
    case ETHER_TYPE_ARP: return true;
    default: return false; /* libslirp also knows a protocol of network cards */
    }
}
