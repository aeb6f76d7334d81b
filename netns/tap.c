/* SPDX-License-Identifier: Apache-2.0 */
/* The container's end of its private network: the device. */
#include "netns/tap.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int open_tun(struct err *err)
{
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun >= 0)
        return tun;
    return err_errno(err, -errno,
                     "/dev/net/tun, which a private network needs (--network none or host does "
                     "not)");
}

static int set_mac(int sock, const struct netns_config *c, struct err *err)
{
    static const uint8_t any[6];
    struct ifreq req = {.ifr_name = NETNS_DEVICE};
    if (memcmp(c->mac, any, sizeof(any)) == 0)
        return 0;
    req.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(req.ifr_hwaddr.sa_data, c->mac, sizeof(c->mac));
    return ioctl(sock, SIOCSIFHWADDR, &req) < 0 ? err_errno(err, -errno, "set the MAC address") : 0;
}

int netns_tap_make(const struct netns_config *c, struct err *err)
{
    auto_close int tun = open_tun(err);
    if (tun < 0)
        return tun;
    struct ifreq req = {.ifr_name = NETNS_DEVICE, .ifr_flags = IFF_TAP | IFF_NO_PI};
    if (ioctl(tun, TUNSETIFF, &req) < 0)
        return err_errno(err, -errno, "make " NETNS_DEVICE);
    auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return err_errno(err, -errno, "socket");
    int r = set_mac(sock, c, err);
    if (r == 0)
        r = netns_addresses_set(c, err);
    return r < 0 ? r : take_fd(&tun);
}
