/* SPDX-License-Identifier: Apache-2.0 */
/* libslirp between a container's tap0 and the host's sockets.
 *
 * Theory of operation. One thread, one poll. A wake-up takes up to BURST frames from the tap before
 * libslirp's sockets are asked for again, as filling the poll array walks all of them; what
 * libslirp has for the container it writes to the tap at once. */
#include "netns/slirp_loop.h"

#include "base/alloc.h"
#include "netns/frame_policy.h"
#include "netns/frame_refusal.h"

#include <poll.h>
#include <slirp/libslirp.h>
#include <string.h>
#include <time.h>

#define BURST      64
#define ETHER_LEN  14
#define FRAME_MAX  (NETNS_MTU_MAX + ETHER_LEN)
#define TIMERS_MAX 4 /* libslirp has one */

struct timer {
    SlirpTimerCb callback;
    void *arg;
    int64_t at; /* ms; -1: not set */
};

enum { POLL_TAP, POLL_CONTROL, POLL_SLIRP };

struct slirp_loop {
    const struct netns_config *c;
    Slirp *slirp;
    int tap;
    struct pollfd *polls;
    size_t n_polls, room;
    struct timer timers[TIMERS_MAX];
    bool ended;
    uint8_t frame[FRAME_MAX];
};

/* --- what libslirp asks of us ---------------------------------------------------------------- */

static ssize_t send_packet(const void *data, size_t len, void *arg)
{
    struct slirp_loop *l = arg;
    return write(l->tap, data, len); /* what the device does not take, TCP sends again */
}

static void guest_error(const char *message, void *arg)
{
}

static int64_t now_ns(void *arg)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t now_ms(void)
{
    return now_ns(NULL) / 1000000;
}

static void *timer_new(SlirpTimerCb callback, void *timer_arg, void *arg)
{
    struct slirp_loop *l = arg;
    for (size_t i = 0; i < TIMERS_MAX; i++)
        if (!l->timers[i].callback) {
            l->timers[i] = (struct timer){callback, timer_arg, -1};
            return &l->timers[i];
        }
    abort();
}

static void timer_free(void *timer, void *arg)
{
    *(struct timer *)timer = (struct timer){0};
}

static void timer_mod(void *timer, int64_t at, void *arg)
{
    ((struct timer *)timer)->at = at;
}

/* The poll array is filled before each wait, so nobody needs to be told of a socket. */
static void ignore_fd(int fd, void *arg)
{
}

static void ignore_notice(void *arg)
{
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = now_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = ignore_fd,
    .unregister_poll_fd = ignore_fd,
    .notify = ignore_notice,
};

/* --- making ---------------------------------------------------------------------------------- */

static SlirpConfig slirp_config(const struct netns_config *c, struct sockaddr_in *out,
                                struct sockaddr_in6 *out6)
{
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = c->outbound_addr};
    *out6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = c->outbound_addr6};
    bool bound6 = !IN6_IS_ADDR_UNSPECIFIED(&c->outbound_addr6);
    return (SlirpConfig){
        .version = 4,
        .in_enabled = true,
        .vnetwork = c->network,
        .vnetmask = c->mask,
        .vhost = c->gateway,
        .vnameserver = c->dns,
        .vdhcp_start = c->address, /* no DHCP; libslirp wants one all the same */
        .in6_enabled = c->ipv6,
        .vprefix_addr6 = c->network6,
        .vprefix_len = NETNS_PREFIX6_LEN,
        .vhost6 = c->gateway6,
        .vnameserver6 = c->dns6,
        .if_mtu = c->mtu,
        .if_mru = c->mtu,
        .disable_host_loopback = !c->allow_host_loopback,
        .outbound_addr = c->outbound_addr.s_addr ? out : NULL,
        .outbound_addr6 = bound6 ? out6 : NULL,
        .disable_dhcp = true,
    };
}

int slirp_loop_new(const struct netns_config *c, int tap, struct slirp_loop **ret, struct err *err)
{
    struct slirp_loop *l = new0(struct slirp_loop);
    static struct sockaddr_in out; /* libslirp keeps the addresses of both */
    static struct sockaddr_in6 out6;
    SlirpConfig config = slirp_config(c, &out, &out6);
    l->c = c;
    l->tap = tap;
    l->slirp = slirp_new(&config, &callbacks, l);
    if (!l->slirp) {
        free(l);
        return err_set(err, -EINVAL, "libslirp does not take the network's configuration");
    }
    *ret = l;
    return 0;
}

void slirp_loop_free(struct slirp_loop *l)
{
    slirp_cleanup(l->slirp);
    free(l->polls);
    free(l);
}

/* --- the loop -------------------------------------------------------------------------------- */

static int add_poll(int fd, int events, void *arg)
{
    struct slirp_loop *l = arg;
    short wanted = 0;
    if (l->n_polls == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->polls = xrealloc(l->polls, l->room, sizeof(*l->polls));
    }
    if (events & SLIRP_POLL_IN)
        wanted |= POLLIN;
    if (events & SLIRP_POLL_OUT)
        wanted |= POLLOUT;
    if (events & SLIRP_POLL_PRI)
        wanted |= POLLPRI;
    l->polls[l->n_polls] = (struct pollfd){fd, wanted, 0};
    return (int)l->n_polls++;
}

static int get_revents(int i, void *arg)
{
    const struct slirp_loop *l = arg;
    short got = i >= 0 && (size_t)i < l->n_polls ? l->polls[i].revents : 0;
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void take_frame(struct slirp_loop *l, size_t n)
{
    uint8_t answer[FRAME_REFUSAL_MAX];
    if (frame_allowed(l->c, l->frame, n)) {
        slirp_input(l->slirp, l->frame, (int)n);
        return;
    }
    size_t len = frame_refusal(l->c, l->frame, n, answer);
    if (len)
        send_packet(answer, len, l);
}

static void drain_tap(struct slirp_loop *l)
{
    for (int i = 0; i < BURST; i++) {
        ssize_t n = read(l->tap, l->frame, sizeof(l->frame));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) { /* the device went with its namespace */
            l->ended = true;
            return;
        }
        take_frame(l, (size_t)n);
    }
}

static int timeout_of(const struct slirp_loop *l, uint32_t slirp_timeout)
{
    int64_t timeout = slirp_timeout > INT32_MAX ? -1 : (int64_t)slirp_timeout;
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (!l->timers[i].callback || l->timers[i].at < 0)
            continue;
        int64_t left = l->timers[i].at - now_ms();
        left = left < 0 ? 0 : left;
        timeout = timeout < 0 || left < timeout ? left : timeout;
    }
    return (int)timeout;
}

static void run_timers(struct slirp_loop *l)
{
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        struct timer *t = &l->timers[i];
        if (!t->callback || t->at < 0 || t->at > now_ms())
            continue;
        t->at = -1;
        t->callback(t->arg);
    }
}

static void serve_once(struct slirp_loop *l, int control)
{
    uint32_t slirp_timeout = UINT32_MAX;
    l->n_polls = 0;
    add_poll(l->tap, SLIRP_POLL_IN, l);
    add_poll(control, SLIRP_POLL_IN, l);
    slirp_pollfds_fill(l->slirp, &slirp_timeout, add_poll, l);
    int n = poll(l->polls, l->n_polls, timeout_of(l, slirp_timeout));
    if (n < 0 && errno != EINTR)
        l->ended = true;
    if (n > 0 && l->polls[POLL_CONTROL].revents)
        l->ended = true; /* the monitor sends nothing more: this is its end */
    if (n > 0 && l->polls[POLL_TAP].revents)
        drain_tap(l);
    slirp_pollfds_poll(l->slirp, n < 0, get_revents, l);
    run_timers(l);
}

void slirp_loop_run(struct slirp_loop *l, int control)
{
    while (!l->ended)
        serve_once(l, control);
}
