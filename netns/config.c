/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's private network is like: the options. */
#include "netns/config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_SHORTEST 8
#define PREFIX_LONGEST  25 /* host 100 must be in it */

enum { HOST_GATEWAY = 2, HOST_DNS = 3, HOST_CONTAINER = 100 };

static struct in_addr host_of(struct in_addr network, uint32_t host)
{
    return (struct in_addr){htonl(ntohl(network.s_addr) + host)};
}

static void set_network(struct netns_config *c, struct in_addr address, uint32_t prefix_len)
{
    c->prefix_len = prefix_len;
    c->mask.s_addr = htonl(UINT32_MAX << (32 - prefix_len));
    c->network.s_addr = address.s_addr & c->mask.s_addr;
    c->gateway = host_of(c->network, HOST_GATEWAY);
    c->dns = host_of(c->network, HOST_DNS);
    c->address = host_of(c->network, HOST_CONTAINER);
}

void netns_config_init(struct netns_config *ret)
{
    *ret = (struct netns_config){.mtu = NETNS_MTU, .ipv6 = true};
    set_network(ret, (struct in_addr){htonl(0x0a000200)}, 24);
    inet_pton(AF_INET6, "fd00::", &ret->network6);
    inet_pton(AF_INET6, "fd00::2", &ret->gateway6);
    inet_pton(AF_INET6, "fd00::3", &ret->dns6);
    inet_pton(AF_INET6, "fd00::100", &ret->address6);
}

static int bad(const char *key, const char *value, const char *want, struct err *err)
{
    return err_kind(err, ERR_USAGE, -EINVAL, "invalid network option %s=%s: want %s", key, value,
                    want);
}

/* A whole decimal number in [low, high], or -1. */
static long number(const char *text, long low, long high)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || *end || n < low || n > high ? -1 : n;
}

static int set_mtu(struct netns_config *c, const char *value, struct err *err)
{
    long mtu = number(value, NETNS_MTU_MIN, NETNS_MTU_MAX);
    if (mtu < 0)
        return bad("mtu", value, "a number from 1280 to 65521", err);
    c->mtu = (uint32_t)mtu;
    return 0;
}

/* What a packet to it would mean something else than the private network. */
static bool is_usable(struct in_addr a)
{
    uint32_t first = ntohl(a.s_addr) >> 24;
    return first != 0 && first != 127 && first < 224;
}

static int set_cidr(struct netns_config *c, const char *value, struct err *err)
{
    char text[INET_ADDRSTRLEN];
    const char *slash = strchr(value, '/');
    struct in_addr a;
    long len = slash ? number(slash + 1, PREFIX_SHORTEST, PREFIX_LONGEST) : -1;
    size_t n = slash ? (size_t)(slash - value) : 0;
    if (len < 0 || n >= sizeof(text))
        return bad("cidr", value, "ADDRESS/LENGTH with a length from 8 to 25", err);
    memcpy(text, value, n);
    text[n] = 0;
    if (inet_pton(AF_INET, text, &a) != 1 || !is_usable(a))
        return bad("cidr", value, "the IPv4 address of a network", err);
    set_network(c, a, (uint32_t)len);
    return 0;
}

static int set_bool(const char *key, const char *value, bool *ret, struct err *err)
{
    bool yes = strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "false") != 0)
        return bad(key, value, "true or false", err);
    *ret = yes;
    return 0;
}

int netns_config_option(struct netns_config *c, const char *option, struct err *err)
{
    const char *equals = strchr(option, '=');
    const char *value = equals ? equals + 1 : "";
    char key[32] = "";
    if (equals && (size_t)(equals - option) < sizeof(key))
        memcpy(key, option, (size_t)(equals - option));
    if (strcmp(key, "mtu") == 0)
        return set_mtu(c, value, err);
    if (strcmp(key, "cidr") == 0)
        return set_cidr(c, value, err);
    if (strcmp(key, "enable_ipv6") == 0) {
        int r = set_bool(key, value, &c->ipv6, err);
        c->ipv6_required = r == 0 ? c->ipv6 : c->ipv6_required;
        return r;
    }
    if (strcmp(key, "allow_host_loopback") == 0)
        return set_bool(key, value, &c->allow_host_loopback, err);
    if (strcmp(key, "outbound_addr") == 0)
        return inet_pton(AF_INET, value, &c->outbound_addr) == 1
                   ? 0
                   : bad(key, value, "an IPv4 address of this machine", err);
    if (strcmp(key, "outbound_addr6") == 0)
        return inet_pton(AF_INET6, value, &c->outbound_addr6) == 1
                   ? 0
                   : bad(key, value, "an IPv6 address of this machine", err);
    /* podman's two ways to publish a port; ours keeps the client's address as the second does, and
     * is as fast as the first. */
    if (strcmp(option, "port_handler=rootlesskit") == 0 ||
        strcmp(option, "port_handler=slirp4netns") == 0)
        return 0;
    return err_kind(err, ERR_USAGE, -EINVAL, "unknown option of slirp4netns: %s", option);
}

int netns_config_mac(struct netns_config *c, const char *text, struct err *err)
{
    unsigned v[6];
    int end = 0;
    int n = sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", v, v + 1, v + 2, v + 3, v + 4, v + 5, &end);
    if (n != 6 || end != 17 || text[end] || strspn(text, "0123456789abcdefABCDEF:") != 17 ||
        v[0] & 1 || !(v[0] | v[1] | v[2] | v[3] | v[4] | v[5]))
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid MAC address %s", text);
    for (int i = 0; i < 6; i++)
        c->mac[i] = (uint8_t)v[i];
    return 0;
}
