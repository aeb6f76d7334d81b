/* SPDX-License-Identifier: Apache-2.0 */
/* What a container hears of a frame that may not pass. */
#include "netns/frame_refusal.h"

#include "netns/frame_internal.h"

#include <string.h>

#define TCP_LEN  20
#define UDP_LEN  8
#define ICMP_LEN 8
#define HOPS     64

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* What is refused: IPv4 and IPv6 differ in what is here, and nowhere else. */
struct packet {
    const uint8_t *ip;
    size_t header;       /* of IP */
    size_t len;          /* of all, without what Ethernet has behind it */
    const uint8_t *from; /* addresses, of `address` bytes */
    const uint8_t *to;
    size_t address;
    unsigned protocol;
};

static bool read_ipv4(const struct netns_config *c, const uint8_t *ip, size_t n, struct packet *ret)
{
    if (n < IPV4_LEN)
        return false;
    size_t header = 4u * (ip[0] & 15), len = get16(ip + 2);
    uint32_t to = get32(ip + 16), first = to >> 24;
    bool to_all = (to | ntohl(c->mask.s_addr)) == UINT32_MAX &&
                  (to & ntohl(c->mask.s_addr)) == ntohl(c->network.s_addr);
    if (header < IPV4_LEN || len < header || len > n || get16(ip + 6) & IPV4_FRAGMENTED || to_all ||
        first == 0 || first == 127 || first >= 224)
        return false;
    *ret = (struct packet){ip, header, len, ip + 12, ip + 16, 4, ip[9]};
    return true;
}

static bool read_ipv6(const struct netns_config *c, const uint8_t *ip, size_t n, struct packet *ret)
{
    static const uint8_t own[10]; /* ::/80 has the host's own addresses, as in frame_policy.c */
    if (!c->ipv6 || n < IPV6_LEN || ip[24] == 0xff || memcmp(ip + 24, own, sizeof(own)) == 0)
        return false;
    size_t len = IPV6_LEN + get16(ip + 4);
    if (len > n)
        return false;
    *ret = (struct packet){ip, IPV6_LEN, len, ip + 8, ip + 24, 16, ip[6]};
    return true;
}

static uint32_t add_up(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += get16(p + i);
    return n % 2 ? sum + ((uint32_t)p[n - 1] << 8) : sum;
}

static unsigned checksum(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

/* Of the answer's payload, with the addresses before it; ICMP of IPv4 has none before it. */
static unsigned payload_checksum(const struct packet *p, unsigned protocol, const uint8_t *payload,
                                 size_t n)
{
    uint32_t sum = add_up(0, payload, n);
    if (protocol != IPPROTO_ICMP) {
        sum = add_up(sum, p->from, p->address);
        sum = add_up(sum, p->to, p->address) + (uint32_t)n + protocol;
    }
    return checksum(sum);
}

/* Both headers before `payload` bytes of `protocol`, from whom `p` was sent to, back. */
static void put_headers(const struct packet *p, const uint8_t *frame, unsigned protocol,
                        size_t payload, uint8_t *ret)
{
    uint8_t *ip = ret + ETHER_LEN;
    memcpy(ret, frame + 6, 6);
    memcpy(ret + 6, frame, 6);
    memcpy(ret + 12, frame + 12, 2);
    if (p->address == 4) {
        memset(ip, 0, IPV4_LEN);
        ip[0] = 0x45;
        put16(ip + 2, (unsigned)(IPV4_LEN + payload));
        ip[8] = HOPS;
        ip[9] = (uint8_t)protocol;
        memcpy(ip + 12, p->to, 4);
        memcpy(ip + 16, p->from, 4);
        put16(ip + 10, checksum(add_up(0, ip, IPV4_LEN)));
        return;
    }
    put32(ip, 0x60000000);
    put16(ip + 4, (unsigned)payload);
    ip[6] = (uint8_t)protocol;
    ip[7] = HOPS;
    memcpy(ip + 8, p->to, 16);
    memcpy(ip + 24, p->from, 16);
}

/* As RFC 9293, 3.10.7.1 has it for a port that is closed. Returns the length of the payload. */
static size_t put_reset(const struct packet *p, uint8_t *ret)
{
    const uint8_t *tcp = p->ip + p->header;
    size_t n = p->len - p->header, header = n < TCP_LEN ? 0 : 4u * (tcp[12] >> 4);
    if (header < TCP_LEN || header > n || tcp[13] & TCP_RST)
        return 0;
    unsigned flags = tcp[13];
    memset(ret, 0, TCP_LEN);
    memcpy(ret, tcp + 2, 2);
    memcpy(ret + 2, tcp, 2);
    ret[12] = TCP_LEN / 4 << 4;
    ret[13] = TCP_RST;
    if (flags & TCP_ACK) {
        memcpy(ret + 4, tcp + 8, 4);
    } else {
        uint32_t taken = (uint32_t)(n - header) + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
        ret[13] |= TCP_ACK;
        put32(ret + 8, get32(tcp + 4) + taken);
    }
    put16(ret + 16, payload_checksum(p, IPPROTO_TCP, ret, TCP_LEN));
    return TCP_LEN;
}

/* "Port unreachable", with the headers of what was sent. */
static size_t put_unreachable(const struct packet *p, unsigned protocol, uint8_t *ret)
{
    size_t quoted = p->header + UDP_LEN;
    if (p->len < quoted)
        return 0;
    memset(ret, 0, ICMP_LEN);
    ret[0] = protocol == IPPROTO_ICMP ? 3 : 1;
    ret[1] = protocol == IPPROTO_ICMP ? 3 : 4;
    memcpy(ret + ICMP_LEN, p->ip, quoted);
    put16(ret + 2, payload_checksum(p, protocol, ret, ICMP_LEN + quoted));
    return ICMP_LEN + quoted;
}

size_t frame_refusal(const struct netns_config *c, const uint8_t *frame, size_t n,
                     uint8_t ret[static FRAME_REFUSAL_MAX])
{
    struct packet p;
    if (n < ETHER_LEN || frame[0] & 1)
        return 0; /* for more than one machine */
    unsigned type = get16(frame + 12);
    const uint8_t *ip = frame + ETHER_LEN;
    n -= ETHER_LEN;
    if (!(type == ETHER_TYPE_IPV4 && read_ipv4(c, ip, n, &p)) &&
        !(type == ETHER_TYPE_IPV6 && read_ipv6(c, ip, n, &p)))
        return 0;
    bool v4 = type == ETHER_TYPE_IPV4;
    size_t before = ETHER_LEN + (v4 ? IPV4_LEN : IPV6_LEN), payload = 0;
    unsigned protocol = p.protocol;
    if (protocol == IPPROTO_TCP)
        payload = put_reset(&p, ret + before);
    if (protocol == IPPROTO_UDP) {
        protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
        payload = put_unreachable(&p, protocol, ret + before);
    }
    if (payload == 0)
        return 0;
    put_headers(&p, frame, protocol, payload, ret);
    return before + payload;
}
