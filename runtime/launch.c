/* SPDX-License-Identifier: Apache-2.0 */
/* From the monitor's first step to the executed command.
 *
 * Should: run the root's server and the id helpers beside init. Mustn't: leave init alive after a
 * failure; keep init's ends of pipes or the devices, whose last holders must be the servers. */
#include "runtime/launch.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/proc.h"
#include "runtime/guard.h"
#include "runtime/idmap.h"
#include "runtime/init.h"
#include "runtime/namespaces.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_PATIENCE 5000 /* ms */
#define SERVER_LOOK     100  /* ms until a server is looked at again */

enum { DEVICE_TO_SERVER = 1 }; /* OVERLAY_MSG_DEVICE of overlay-fuse/client.h */

/* As early as it can be: a command may be gone at once and leave others. What joins a user
 * namespace cannot be looked at before its exec. */
static void hold_mounts(const struct sandbox *sb, struct launched *l)
{
    if (sb->ns[NS_PID].mode == NS_PRIVATE || l->mounts >= 0)
        return;
    l->mounts = namespaces_hold_mounts(l->init);
    pid_t guard = l->mounts < 0 ? 0 : guard_start(l->mounts, NULL);
    if (guard > 0)
        l->guard = guard;
}

/* `network`: the two ends of init's channel to the helper of the network, or -1. */
static int start_init(const struct monitor_options *o, struct launched *l, const int network[2],
                      int *ret_channel, struct err *err)
{
    int ends[2], child[3] = {-1, -1, -1};
    int r = channel_pair(ends, err);
    const struct sandbox *sb = o->sandbox;
    if (r == 0 && !sb->tty && !sb->passes_stdio)
        r = streams_pipes(&l->io, sb->keep_stdin, child, err);
    if (r < 0)
        return r;
    const int *stdio = sb->passes_stdio ? sb->stdio : child;
    int shm = -1;
    pid_t pid = namespaces_fork(o->sandbox, &shm, err);
    if (pid == 0) {
        close(ends[0]); /* our end: the other's end of file must mean the monitor's death */
        if (network[1] >= 0)
            close(network[1]);
        struct init_job job = {.sandbox = o->sandbox,
                               .ops = &o->ops,
                               .shm = shm,
                               .channel = ends[1],
                               .network = network[0],
                               .stdio = {stdio[0], stdio[1], stdio[2]}};
        init_main(&job);
    }
    close(ends[1]);
    for (int i = 0; i < 3; i++)
        close_fd(&child[i]);
    *ret_channel = ends[0];
    if (pid < 0)
        return pid;
    l->init = pid;
    hold_mounts(o->sandbox, l);
    return 0;
}

/* Brings the device (and the procfs) that came with `msg` to the server and waits until it serves.
 */
static int connect_server(int server, struct channel_msg *msg, struct err *err)
{
    int r = channel_send(server, DEVICE_TO_SERVER, NULL, 0, msg->fds, msg->n_fds);
    channel_msg_done(msg);
    if (r < 0)
        return err_errno(err, r, "a file server");
    r = channel_recv(server, msg);
    struct err answer = {.code = -EIO};
    if (r == 1 && msg->type == DEVICE_TO_SERVER && msg->len == sizeof(answer))
        memcpy(&answer, msg->data, sizeof(answer));
    channel_msg_done(msg);
    if (answer.code == 0)
        return 0;
    if (r != 1 || !*answer.message)
        return err_set(err, -EIO, "a file server ended early");
    *err = answer;
    return err->code < 0 ? err_wrap(err, "a file server") : -EIO;
}

/* A device comes with the number of the mount that it is for. */
static int take_device(const int *servers, const struct launched *l, struct channel_msg *msg,
                       struct err *err)
{
    uint32_t number;
    if (msg->n_fds == 0 || msg->len != sizeof(number))
        return 0;
    memcpy(&number, msg->data, sizeof(number));
    return number < l->n_servers ? connect_server(servers[number], msg, err) : 0;
}

/* Starts root emulation's supervisor: from here on the one who loaded the filter is answered. */
static int start_supervisor(const struct supervised *who, struct launched *l, struct err *err)
{
    if (l->emulation.listener < 0)
        return 0;
    auto_close int own = who->init_fd < 0 ? pidfd_open_pid(l->init) : -1;
    pid_t pid = emulate_start(&l->emulation, who->init_fd < 0 ? own : who->init_fd,
                              &who->sandbox->ids, who->caps, err);
    emulate_handover_done(&l->emulation);
    if (pid > 0)
        l->supervisor = pid;
    return pid < 0 ? pid : 0;
}

int launch_follow(int channel, const int *servers, const struct winsize *size,
                  const struct supervised *who, struct launched *l, struct channel_msg *msg,
                  struct err *err)
{
    bool exec_next = false;
    for (;;) {
        int r = channel_recv(channel, msg);
        if (r == 0 && exec_next)
            return 0;
        if (r <= 0)
            return err_set(err, r ? r : -EPIPE, "the container's command ended early");
        switch (msg->type) {
        case INIT_DEVICE:
            if ((r = take_device(servers, l, msg, err)) < 0)
                return r;
            break;
        case INIT_TERMINAL:
            if (msg->n_fds == 1)
                streams_terminal(&l->io, take_fd(&msg->fds[0]), size);
            break;
        case INIT_JOINED:
            if (msg->len == sizeof(l->init))
                memcpy(&l->init, msg->data, sizeof(l->init));
            break;
        case INIT_LISTENER:
            emulate_receive(msg, &l->emulation);
            if ((r = start_supervisor(who, l, err)) < 0)
                return r;
            break;
        case INIT_EXEC: exec_next = true; break;
        case INIT_FAILED:
            if (msg->len != sizeof(*err))
                return err_set(err, -EPROTO, "the container's init failed");
            memcpy(err, msg->data, sizeof(*err));
            return err->code < 0 ? err->code : -EIO;
        }
        channel_msg_done(msg);
    }
}

void launch_init(struct launched *l)
{
    *l = (struct launched){.mounts = -1, .net_control = -1, .emulation = EMULATE_HANDOVER_NONE};
    streams_init(&l->io);
}

void launch_kill(struct launched *l)
{
    int status;
    if (l->init <= 0)
        return;
    kill(l->init, SIGKILL);
    proc_wait(l->init, &status);
    l->init = 0;
}

/* One a server; -1: none. */
struct channels {
    int *v;
    size_t n;
};

static void channels_done(struct channels *c)
{
    for (size_t i = 0; i < c->n; i++)
        close_fd(&c->v[i]);
    free(c->v);
}
DEFINE_AUTO(channels, channels_done)

static int start_servers(const struct monitor_options *o, struct launched *l,
                         struct channels *channels, struct err *err)
{
    const struct sandbox *sb = o->sandbox;
    size_t n = 1;
    for (size_t i = 0; i < sb->n_mounts; i++)
        n += sb->mounts[i].kind == MOUNT_SERVED;
    l->servers = xcalloc(n, sizeof(*l->servers));
    channels->v = xcalloc(n, sizeof(*channels->v));
    for (; l->n_servers < n; l->n_servers++) {
        int *channel = &channels->v[channels->n++];
        *channel = -1;
        if (sb->root_dir && l->n_servers == 0)
            continue;
        pid_t pid = o->ops.root_start(o->ops.ctx, (uint32_t)l->n_servers, channel, err);
        if (pid < 0)
            return pid;
        l->servers[l->n_servers] = pid;
    }
    return 0;
}

static bool has_network(const struct monitor_options *o)
{
    return o->ops.net_start && o->sandbox->ns[NS_NET].mode == NS_PRIVATE;
}

/* While init is at work: it waits for the network as the last thing. */
static int start_network(const struct monitor_options *o, struct launched *l, int inside,
                         struct err *err)
{
    if (inside < 0)
        return 0;
    pid_t pid = o->ops.net_start(o->ops.ctx, inside, &l->net_control, err);
    l->network = pid > 0 ? pid : 0;
    return pid < 0 ? pid : 0;
}

int launch(const struct monitor_options *o, const struct winsize *size, struct launched *ret,
           struct err *err)
{
    auto_done(channels) struct channels servers = {0};
    auto_close int channel = -1;
    int network[2] = {-1, -1};
    struct err own = {0};
    int status;
    if (ret->ending > 0)
        proc_wait(ret->ending, &status);
    ret->ending = 0;
    int r = start_servers(o, ret, &servers, err);
    if (r == 0 && has_network(o))
        r = channel_pair(network, err);
    if (r == 0)
        r = start_init(o, ret, network, &channel, err);
    close_fd(&network[0]);
    if (r == 0 && o->sandbox->ns[NS_USER].mode == NS_PRIVATE)
        r = userns_write_maps(ret->init, &o->sandbox->ids, err);
    if (r == 0 && (r = channel_send(channel, INIT_GO, NULL, 0, NULL, 0)) < 0)
        err_errno(err, r, "the container's init");
    if (r == 0)
        r = start_network(o, ret, network[1], err);
    close_fd(&network[1]);
    if (r == 0) {
        auto_free struct channel_msg *msg = xcalloc(1, sizeof(*msg));
        const struct supervised who = {o->sandbox, o->sandbox->caps, -1};
        r = launch_follow(channel, servers.v, size, &who, ret, msg, &own);
        if (r < 0 && err)
            *err = own;
    }
    if (r == 0)
        hold_mounts(o->sandbox, ret);
    else
        launch_kill(ret);
    return r;
}

/* Until `end` (clock_ms()), then it is killed. */
static void wait_server(pid_t pid, int64_t end)
{
    /* SIGCHLD is blocked in the monitor, so it waits for us here if it came already. */
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        int64_t left = end - clock_ms();
        if (left <= 0) {
            kill(pid, SIGKILL);
            proc_wait(pid, &status);
            break;
        }
        /* Of several that end only one signal may be left. */
        left = left < SERVER_LOOK ? left : SERVER_LOOK;
        struct timespec t = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 + 1};
        sigtimedwait(&child, NULL, &t);
    }
}

/* The helper closes its end when nothing of the network is left but the device, for whose removal
 * the kernel takes 20 ms that nobody need wait for: it is collected before the next launch(). */
static void wait_network(struct launched *l)
{
    struct pollfd p = {l->net_control, POLLIN, 0};
    int64_t end = clock_ms() + SERVER_PATIENCE, left = SERVER_PATIENCE;
    int n = 0;
    while (l->network > 0 && left > 0 && (n = poll(&p, 1, (int)left)) < 0 && errno == EINTR)
        left = end - clock_ms();
    if (l->network > 0 && n <= 0)
        kill(l->network, SIGKILL);
    l->ending = l->network;
    l->network = 0;
    close_fd(&l->net_control);
}

void launch_wait_server(struct launched *l, bool at_once)
{
    int64_t end = clock_ms() + (at_once ? 0 : SERVER_PATIENCE);
    int status;
    close_fd(&l->mounts);
    if (l->net_control >= 0)
        shutdown(l->net_control, SHUT_WR); /* what the container has sent goes out meanwhile */
    if (l->guard > 0) {                    /* it holds the container's mounts, too */
        kill(l->guard, SIGKILL);
        proc_wait(l->guard, &status);
        l->guard = 0;
    }
    if (l->supervisor > 0) { /* it holds the container's mounts */
        kill(l->supervisor, SIGKILL);
        proc_wait(l->supervisor, &status);
        l->supervisor = 0;
    }
    for (size_t i = 0; i < l->n_servers; i++)
        if (l->servers[i] > 0)
            wait_server(l->servers[i], end);
    wait_network(l);
    free(take_ptr(l->servers));
    l->n_servers = 0;
}
