/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses and routes of the container's end.
 *
 * By ioctl: a dozen calls that every kernel has, in the container's init, where a library would
 * have to be loaded by every `wherry`. */
#include "netns/tap.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* linux/ipv6.h, which does not go together with libc's headers everywhere. */
struct in6_request {
    struct in6_addr address;
    uint32_t prefix_len;
    int index;
};

/* Where /proc is read-only (a container in a container) the kernel's own value stays: IPv6 is then
 * usable only after its wait for duplicates, and TCP starts with smaller steps. */
static void set_sysctl(const char *path, const char *value)
{
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, value, strlen(value));
}

static void set_sysctls(void)
{
    /* libslirp knows no window scaling; without this, transfers stall (podman's issue 4537). */
    set_sysctl("/proc/sys/net/ipv4/tcp_rmem", "4096 87380 6291456");
    /* Nobody else can have our address, and nobody tells us others. */
    set_sysctl("/proc/sys/net/ipv6/conf/" NETNS_DEVICE "/accept_dad", "0");
    set_sysctl("/proc/sys/net/ipv6/conf/" NETNS_DEVICE "/accept_ra", "0");
}

static void put_address(struct sockaddr *ret, struct in_addr a)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = a};
    memcpy(ret, &sin, sizeof(sin));
}

static int set_ipv4(int sock, const struct netns_config *c, struct ifreq *req)
{
    put_address(&req->ifr_addr, c->address);
    if (ioctl(sock, SIOCSIFADDR, req) < 0)
        return -errno;
    put_address(&req->ifr_netmask, c->mask);
    return ioctl(sock, SIOCSIFNETMASK, req) < 0 ? -errno : 0;
}

static int bring_up(int sock, const struct netns_config *c, struct ifreq *req)
{
    req->ifr_mtu = (int)c->mtu;
    if (ioctl(sock, SIOCSIFMTU, req) < 0)
        return -errno;
    req->ifr_flags = IFF_UP | IFF_RUNNING;
    return ioctl(sock, SIOCSIFFLAGS, req) < 0 ? -errno : 0;
}

static int route_ipv4(int sock, const struct netns_config *c)
{
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY, .rt_dev = (char[]){NETNS_DEVICE}};
    put_address(&route.rt_dst, (struct in_addr){0});
    put_address(&route.rt_genmask, (struct in_addr){0});
    put_address(&route.rt_gateway, c->gateway);
    return ioctl(sock, SIOCADDRT, &route) < 0 ? -errno : 0;
}

static int set_ipv6(const struct netns_config *c)
{
    auto_close int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int index = (int)if_nametoindex(NETNS_DEVICE);
    if (sock < 0)
        return -errno;
    struct in6_request req = {
        .address = c->address6, .prefix_len = NETNS_PREFIX6_LEN, .index = index};
    if (ioctl(sock, SIOCSIFADDR, &req) < 0)
        return -errno;
    struct in6_rtmsg route = {.rtmsg_gateway = c->gateway6,
                              .rtmsg_metric = 1024, /* as a router's announcement has it */
                              .rtmsg_flags = RTF_UP | RTF_GATEWAY,
                              .rtmsg_ifindex = index};
    return ioctl(sock, SIOCADDRT, &route) < 0 ? -errno : 0;
}

int netns_addresses_set(const struct netns_config *c, struct err *err)
{
    struct ifreq req = {.ifr_name = NETNS_DEVICE};
    auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set_sysctls();
    int r = sock < 0 ? -errno : set_ipv4(sock, c, &req);
    if (r == 0)
        r = bring_up(sock, c, &req);
    if (r == 0)
        r = route_ipv4(sock, c);
    if (r < 0)
        return err_errno(err, r, "set the addresses of " NETNS_DEVICE);
    r = c->ipv6 ? set_ipv6(c) : 0;
    return r < 0 && c->ipv6_required ? err_errno(err, r, "IPv6 in the private network") : 0;
}
