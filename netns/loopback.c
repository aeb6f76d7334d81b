/* SPDX-License-Identifier: Apache-2.0 */
/* The loopback device of the current network namespace. */
#include "netns/netns.h"

#include "base/cleanup.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int netns_loopback_up(struct err *err)
{
    auto_close int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq req = {.ifr_name = "lo"};
    if (sock < 0 || ioctl(sock, SIOCGIFFLAGS, &req) < 0)
        return err_errno(err, -errno, "loopback device");
    req.ifr_flags |= IFF_UP;
    if (ioctl(sock, SIOCSIFFLAGS, &req) < 0)
        return err_errno(err, -errno, "bring the loopback device up");
    return 0;
}
