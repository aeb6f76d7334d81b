/* SPDX-License-Identifier: Apache-2.0 */
/* Routing in the container's namespace for published ports (netns/ports.h): what is sent to the
 * addresses of clients has to come to our sockets, which have these addresses.
 *
 *   rule  fwmark PORTS_MARK                            lookup TABLE
 *   rule  ipproto udp sport PORTS to GATEWAY           lookup TABLE
 *   TABLE local default dev lo src ADDRESS
 *
 * (A server that answers datagrams has no address of its own on its socket, and would otherwise
 * answer as whom it answers. IPv6 chooses the right one by itself, and refuses a `src` that is not
 * lo's.) */
#include "netns/ports_internal.h"

#include "base/cleanup.h"
#include "netns/netns.h"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#define TABLE    0x7772
#define PRIORITY 100

static int set_sysctl(const char *path)
{
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, "1", 1) != 1 ? -errno : 0;
}

/* tcp_fwmark_accept: for what an accepted connection sends; fwmark_reflect: for a refusal.
 * tcp_tw_reuse: many short connections of one client would else find no free port within the
 * minute for which the kernel remembers each. */
static int set_sysctls(bool ipv6)
{
    int r = set_sysctl("/proc/sys/net/ipv4/tcp_fwmark_accept");
    if (r == 0)
        r = set_sysctl("/proc/sys/net/ipv4/fwmark_reflect");
    if (r == 0 && ipv6)
        set_sysctl("/proc/sys/net/ipv6/fwmark_reflect");
    set_sysctl("/proc/sys/net/ipv4/tcp_tw_reuse");
    return r;
}

static int talk(struct mnl_socket *nl, struct nlmsghdr *request)
{
    char answer[4096];
    unsigned seq = request->nlmsg_seq = (unsigned)time(NULL);
    unsigned port = mnl_socket_get_portid(nl);
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
        return -errno;
    ssize_t n = mnl_socket_recvfrom(nl, answer, sizeof(answer));
    /* A port process that was there before has left its rules in a namespace that lasts. */
    return n > 0 && mnl_cb_run(answer, (size_t)n, seq, port, NULL, NULL) < 0 && errno != EEXIST
               ? -errno
               : 0;
}

static struct nlmsghdr *rule(char *buffer, int family, uint8_t to_len)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
    h->nlmsg_type = RTM_NEWRULE;
    struct fib_rule_hdr *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
    *r = (struct fib_rule_hdr){
        .family = (uint8_t)family, .dst_len = to_len, .action = FR_ACT_TO_TBL};
    mnl_attr_put_u32(h, FRA_TABLE, TABLE);
    mnl_attr_put_u32(h, FRA_PRIORITY, PRIORITY);
    return h;
}

static int add_mark_rule(struct mnl_socket *nl, int family)
{
    char buffer[256];
    struct nlmsghdr *h = rule(buffer, family, 0);
    mnl_attr_put_u32(h, FRA_FWMARK, PORTS_MARK);
    mnl_attr_put_u32(h, FRA_FWMASK, UINT32_MAX);
    return talk(nl, h);
}

static int add_udp_rule(struct mnl_socket *nl, int family, const struct netns_config *c,
                        const struct netns_port *p)
{
    char buffer[256];
    bool v4 = family == AF_INET;
    struct nlmsghdr *h = rule(buffer, family, v4 ? 32 : 128);
    struct fib_rule_port_range range = {p->container_port,
                                        (uint16_t)(p->container_port + p->count - 1)};
    mnl_attr_put(h, FRA_DST, v4 ? sizeof(c->gateway) : sizeof(c->gateway6),
                 v4 ? (const void *)&c->gateway : (const void *)&c->gateway6);
    mnl_attr_put_u8(h, FRA_IP_PROTO, IPPROTO_UDP);
    mnl_attr_put(h, FRA_SPORT_RANGE, sizeof(range), &range);
    return talk(nl, h);
}

static int add_local_route(struct mnl_socket *nl, int family, const struct netns_config *c)
{
    char buffer[256];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
    h->nlmsg_type = RTM_NEWROUTE;
    struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
    *r = (struct rtmsg){.rtm_family = (uint8_t)family,
                        .rtm_protocol = RTPROT_STATIC,
                        .rtm_scope = RT_SCOPE_HOST,
                        .rtm_type = RTN_LOCAL};
    mnl_attr_put_u32(h, RTA_TABLE, TABLE);
    mnl_attr_put_u32(h, RTA_OIF, if_nametoindex("lo"));
    if (family == AF_INET)
        mnl_attr_put(h, RTA_PREFSRC, sizeof(c->address), &c->address);
    return talk(nl, h);
}

static void setup_udp(struct mnl_socket *nl, struct ports *p, const struct netns_port *ports,
                      size_t n)
{
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ports[i].udp)
            continue;
        if (r == 0)
            r = add_udp_rule(nl, AF_INET, p->config, &ports[i]);
        if (p->config->ipv6)
            add_udp_rule(nl, AF_INET6, p->config, &ports[i]);
    }
    p->udp_transparent = r == 0;
}

void ports_route_setup(struct ports *p, const struct netns_port *ports, size_t n)
{
    netns_loopback_up(
        NULL); /* init does it, too, maybe later: IPv6 takes no route over it before */
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
        goto out;
    if (add_local_route(nl, AF_INET, p->config) < 0 || add_mark_rule(nl, AF_INET) < 0)
        goto out;
    if (p->config->ipv6) {
        add_local_route(nl, AF_INET6, p->config);
        add_mark_rule(nl, AF_INET6);
    }
    p->transparent = set_sysctls(p->config->ipv6) == 0;
    setup_udp(nl, p, ports, n);
out:
    if (nl)
        mnl_socket_close(nl);
}
