/* SPDX-License-Identifier: Apache-2.0 */
/* wherry-netns: the network helper of one container (client.h has the protocol).
 *
 * Should: serve the container's network from the host's, as the plain user, and end with the
 * container. Mustn't: enter the container's namespaces itself, or hold a power that serving frames
 * does not take. */
#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "netns/client.h"
#include "netns/confine.h"
#include "netns/slirp_loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct helper {
    struct netns_config config;
    int control, inside; /* channels to the monitor and to init */
    int fds[NETNS_FDS];
    struct netns_port *ports;
    size_t n_ports;
    int ports_channel; /* to the port process; -1: nothing is published */
    struct channel_msg msg;
};

static int receive_config(struct helper *h)
{
    int r = channel_recv(h->control, &h->msg);
    size_t first = sizeof(h->config), one = sizeof(struct netns_port);
    bool good = r == 1 && h->msg.type == NETNS_CONFIG && h->msg.len >= first &&
                (h->msg.len - first) % one == 0;
    if (good) {
        memcpy(&h->config, h->msg.data, first);
        h->n_ports = (h->msg.len - first) / one;
        h->ports = xmemdup(h->msg.data + first, h->msg.len - first);
    }
    channel_msg_done(&h->msg);
    return good ? 0 : -EPIPE;
}

static int receive_tap(struct helper *h)
{
    int r = channel_recv(h->inside, &h->msg);
    bool good = r == 1 && h->msg.type == NETNS_TAP && h->msg.n_fds == NETNS_FDS;
    for (size_t i = 0; good && i < NETNS_FDS; i++)
        h->fds[i] = take_fd(&h->msg.fds[i]);
    channel_msg_done(&h->msg);
    return good ? 0 : -EPIPE;
}

/* Init hears what went wrong, and reports it as its own failure. */
static int answer(struct helper *h, const struct err *err)
{
    int r = channel_send(h->inside, NETNS_READY, err, sizeof(*err), NULL, 0);
    close_fd(&h->inside);
    return r;
}

/* Without the port process the network is half of what was asked for: we end, too, the monitor
 * tells so, and `restart` mends it. */
static void on_child_end(int signal)
{
    (void)signal;
    _exit(1);
}

static int start_ports(struct helper *h, struct err *err)
{
    if (h->n_ports == 0)
        return 0;
    signal(SIGCHLD, on_child_end);
    pid_t pid = netns_ports_start(&h->config, h->ports, h->n_ports, &h->ports_channel, err);
    return pid < 0 ? pid : 0;
}

/* What went wrong with the ports is told here, as an answer to init: so it must not end first. */
static int enter_ports(struct helper *h, struct err *err)
{
    return h->ports_channel < 0 ? 0
                                : netns_ports_enter(h->ports_channel, h->fds[NETNS_FD_USER],
                                                    h->fds[NETNS_FD_NET], err);
}

/* The monitor takes the end of its channel for ours, so the ports must be free before. With ports
 * we end with their process (on_child_end()), which comes to the same. */
static void end_ports(struct helper *h)
{
    if (h->ports_channel < 0)
        return;
    shutdown(h->ports_channel, SHUT_WR);
    channel_recv(h->ports_channel, &h->msg);
    channel_msg_done(&h->msg);
}

static int serve(struct helper *h)
{
    struct err err = {0};
    auto_ptr(slirp_loop) struct slirp_loop *loop = NULL;
    if (receive_config(h) < 0)
        return 1;
    int r = start_ports(h, &err);
    if (r == 0)
        r = netns_confine(&err);
    if (receive_tap(h) < 0)
        return 1; /* the container is not to be: nobody wants an answer */
    if (r == 0)
        r = enter_ports(h, &err);
    close_fd(&h->fds[NETNS_FD_USER]);
    close_fd(&h->fds[NETNS_FD_NET]);
    if (r == 0)
        r = slirp_loop_new(&h->config, h->fds[NETNS_FD_TAP], &loop, &err);
    if (answer(h, &err) < 0 || r < 0)
        return 1;
    slirp_loop_run(loop, h->control);
    end_ports(h);
    close_fd(&h->control); /* before the device, which takes its time */
    return 0;
}

int main(int argc, char **argv)
{
    struct helper *h = new0(struct helper);
    if (argc != 3) {
        fputs("usage: wherry-netns CONTROL INSIDE\nThe two are descriptors of channels.\n", stderr);
        return 2;
    }
    h->control = atoi(argv[1]);
    h->inside = atoi(argv[2]);
    h->ports_channel = -1;
    for (size_t i = 0; i < NETNS_FDS; i++)
        h->fds[i] = -1;
    signal(SIGPIPE, SIG_IGN);
    return serve(h);
}
