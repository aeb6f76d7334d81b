/* SPDX-License-Identifier: Apache-2.0 */
/* The port process (netns/ports.h).
 *
 * Should: listen on the host as the user, and connect in the container's namespaces. Mustn't: do
 * the one where the other belongs. */
#include "netns/ports_internal.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "netns/relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PORTS_ENTER = 1, PORTS_READY };

/* --- listening ------------------------------------------------------------------------------ */

static int unprivileged_start(void)
{
    auto_buf text = {0};
    return file_read_at(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 32, &text,
                        NULL) < 0
               ? 1024
               : atoi(buf_str(&text));
}

static int cannot_listen(int code, const struct sockaddr_in6 *at, bool udp, struct err *err)
{
    char address[INET6_ADDRSTRLEN] = "";
    bool v4 = at->sin6_family == AF_INET;
    unsigned port = ntohs(at->sin6_port);
    const char *protocol = udp ? "udp" : "tcp";
    inet_ntop(at->sin6_family,
              v4 ? (const void *)&((const struct sockaddr_in *)at)->sin_addr : &at->sin6_addr,
              address, sizeof(address));
    if (code == -EACCES && (int)port < unprivileged_start())
        return err_set(err, code,
                       "cannot publish the privileged port %u: add "
                       "'net.ipv4.ip_unprivileged_port_start=%u' to /etc/sysctl.conf (it is %d "
                       "now), or choose a larger one (listen %s %s%s%s:%u: %s)",
                       port, port, unprivileged_start(), protocol, v4 ? "" : "[", address,
                       v4 ? "" : "]", port, strerror(-code));
    return err_errno(err, code, "publish port %u: listen %s %s%s%s:%u", port, protocol,
                     v4 ? "" : "[", address, v4 ? "" : "]", port);
}

static void set_options(int fd, int family, bool udp, bool any)
{
    int yes = 1, only = !any;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    if (!udp) /* a port whose last connections are still remembered is free */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    else if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof(yes));
    else
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof(yes));
}

static int listen_on(const struct sockaddr_in6 *at, bool udp, struct err *err)
{
    int family = at->sin6_family;
    bool v6 = family == AF_INET6;
    int kind = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    auto_close int fd = socket(family, kind, 0);
    if (fd < 0)
        return cannot_listen(-errno, at, udp, err);
    set_options(fd, family, udp, v6 && IN6_IS_ADDR_UNSPECIFIED(&at->sin6_addr));
    /* The kernel cuts the backlog to net.core.somaxconn. */
    if (bind(fd, (const struct sockaddr *)at, v6 ? sizeof(*at) : sizeof(struct sockaddr_in)) < 0 ||
        (!udp && listen(fd, INT32_MAX) < 0))
        return cannot_listen(-errno, at, udp, err);
    return take_fd(&fd);
}

static int listen_on_range(struct relay *relay, const struct netns_port *p, struct err *err)
{
    for (unsigned i = 0; i < p->count; i++) {
        struct sockaddr_in6 at = p->host; /* the port is at one place in both families */
        at.sin6_port = htons((uint16_t)(ntohs(at.sin6_port) + i));
        int tag = ports_tag((uint16_t)(p->container_port + i), p->udp);
        int fd = listen_on(&at, p->udp, err);
        if (fd < 0)
            return fd;
        int r =
            p->udp ? relay_add_udp(relay, fd, tag, err) : relay_add_listener(relay, fd, tag, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static struct relay *listen_on_all(struct ports *self, const struct netns_port *ports, size_t n,
                                   struct err *err)
{
    struct relay *relay = relay_new(&(struct relay_ops){.ctx = self, .dial = ports_dial}, err);
    for (size_t i = 0; relay && i < n; i++)
        if (listen_on_range(relay, &ports[i], err) < 0) {
            relay_free(relay);
            return NULL;
        }
    return relay;
}

/* --- the process ---------------------------------------------------------------------------- */

static int receive_namespaces(int channel, int ret[2])
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    int r = channel_recv(channel, msg);
    bool good = r == 1 && msg->type == PORTS_ENTER && msg->n_fds == 2;
    for (size_t i = 0; good && i < 2; i++)
        ret[i] = take_fd(&msg->fds[i]);
    channel_msg_done(msg);
    return good ? 0 : -EPIPE;
}

static int enter(const int fds[2], struct err *err)
{
    if (setns(fds[0], CLONE_NEWUSER) < 0)
        return err_errno(err, -errno, "join the container's user namespace");
    if (setns(fds[1], CLONE_NEWNET) < 0)
        return err_errno(err, -errno, "join the container's network namespace");
    return 0;
}

static _Noreturn void ports_main(const struct netns_config *c, const struct netns_port *ports,
                                 size_t n, int channel)
{
    struct err err = {0};
    struct ports self = {.config = c};
    auto_close int user = -1, net = -1;
    int fds[2];
    prctl(PR_SET_NAME, "wherry-ports");
    struct relay *relay = listen_on_all(&self, ports, n, &err);
    if (receive_namespaces(channel, fds) < 0)
        _exit(1); /* the container is not to be */
    user = fds[0];
    net = fds[1];
    prctl(PR_SET_DUMPABLE, 0); /* before anything of the container could see us */
    int r = relay ? enter(fds, &err) : err.code;
    if (r == 0) {
        ports_route_setup(&self, ports, n);
        r = ports_confine(&err);
    }
    close_fd(&user);
    close_fd(&net);
    channel_send(channel, PORTS_READY, &err, sizeof(err), NULL, 0);
    /* Our end is the helper's end: after a failure it comes when that has told of it. */
    if (r < 0)
        poll(&(struct pollfd){channel, POLLIN, 0}, 1, -1);
    else
        relay_run(relay, channel, NULL);
    _exit(r < 0);
}

pid_t netns_ports_start(const struct netns_config *c, const struct netns_port *ports, size_t n,
                        int *ret_channel, struct err *err)
{
    int ends[2];
    int r = channel_pair(ends, err);
    if (r < 0)
        return r;
    pid_t pid = fork();
    if (pid == 0) {
        /* No end of another channel may stay open here, or its other side would wait for us. */
        int channel = dup2(ends[1], 3);
        if (channel < 0 || close_range(4, UINT32_MAX, 0) < 0)
            _exit(1);
        fcntl(channel, F_SETFD, FD_CLOEXEC);
        ports_main(c, ports, n, channel);
    }
    r = -errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_errno(err, r, "fork the port process");
    }
    *ret_channel = ends[0];
    return pid;
}

int netns_ports_enter(int channel, int user_ns, int net_ns, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct err said = {.code = -EPIPE, .message = "the port process ended early"};
    int r = channel_send(channel, PORTS_ENTER, NULL, 0, (const int[]){user_ns, net_ns}, 2);
    if (r == 0)
        r = channel_recv(channel, msg);
    if (r == 1 && msg->type == PORTS_READY && msg->len == sizeof(said))
        memcpy(&said, msg->data, sizeof(said));
    channel_msg_done(msg);
    if (said.code < 0 && err)
        *err = said;
    return said.code;
}
