/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of an attached container.
 *
 * Theory of operation. One poll loop between a signalfd, the channel, our stdin, and, while they
 * owe us room, stdout and stderr. At most one message of output is held: the channel is not read
 * before it is written, so a stalled reader of ours stalls the monitor's queue and then the
 * container, as a pipe would. Writes are of at most PIPE_BUF after POLLOUT, so none blocks and
 * signals are always seen. Stdin is credited (MON_STDIN_TAKEN), so messages never wait behind data.
 *
 * Should: restore the terminal on every way out. Mustn't: lose output that was received. */
#include "runtime/monitor.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "runtime/detach_keys.h"
#include "runtime/terminal.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define HOLD_INTERVAL 2000 /* ms between two MON_WAITING; the monitor's patience is 10 s */

struct attach {
    const struct attach_options *o;
    int channel, signals;
    struct terminal terminal;
    struct detach_keys keys;
    struct channel_msg *msg; /* the output that is being written, when out_fd >= 0 */
    int out_fd;
    size_t out_done;
    bool stdin_open, ended, detached;
    uint32_t in_flight; /* bytes of stdin that the container has not taken */
    int exit_code;
    int fatal_signal; /* to be died of once the terminal is restored */
};

/* Signals that attach_run takes from their default action. With a terminal the keys come as bytes,
 * and a signal from elsewhere ends us, after the terminal is restored. */
static void signals_choose(const struct attach_options *o, sigset_t *set)
{
    static const int passed[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
                                 SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
    sigemptyset(set);
    if (o->tty)
        for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
            sigaddset(set, caught[i]);
    else if (o->proxy_signals)
        for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
            sigaddset(set, passed[i]);
}

static void send_size(struct attach *a)
{
    struct winsize size;
    if (terminal_size(&size))
        channel_send(a->channel, MON_RESIZE, &size, sizeof(size), NULL, 0);
}

static void take_signals(struct attach *a)
{
    struct signalfd_siginfo si;
    while (read(a->signals, &si, sizeof(si)) == sizeof(si)) {
        int sig = (int)si.ssi_signo;
        if (a->o->tty && sig == SIGWINCH)
            send_size(a);
        else if (a->o->tty)
            a->fatal_signal = sig;
        else
            channel_send(a->channel, MON_SIGNAL, &sig, sizeof(sig), NULL, 0);
    }
}

static void take_stdin(struct attach *a)
{
    char data[16 * 1024];
    ssize_t n = read(STDIN_FILENO, data, sizeof(data));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        a->stdin_open = false;
        /* A raw terminal has no end of file: it went away, which is no word to the container. */
        if (a->terminal.fd < 0)
            channel_send(a->channel, MON_STDIN_EOF, NULL, 0, NULL, 0);
        return;
    }
    auto_buf typed = {0};
    a->detached = detach_keys_feed(&a->keys, data, (size_t)n, &typed);
    if (typed.len && channel_send(a->channel, MON_STDIN, typed.data, typed.len, NULL, 0) == 0)
        a->in_flight += (uint32_t)typed.len;
}

static int take_message(struct attach *a, struct err *err)
{
    int r = channel_recv(a->channel, a->msg);
    if (r <= 0)
        return err_set(err, r ? r : -EPIPE,
                       "the container's monitor let go (it ended, or our output was not read for "
                       "10 s); the container may still run");
    channel_msg_done(a->msg);
    uint32_t taken;
    switch (a->msg->type) {
    case MON_STDOUT: a->out_fd = a->o->stdout_open ? STDOUT_FILENO : -1; break;
    case MON_STDERR: a->out_fd = a->o->stderr_open ? STDERR_FILENO : -1; break;
    case MON_STDIN_TAKEN:
        if (a->msg->len == sizeof(taken)) {
            memcpy(&taken, a->msg->data, sizeof(taken));
            a->in_flight -= taken < a->in_flight ? taken : a->in_flight;
        }
        break;
    case MON_EXITED:
        if (a->msg->len == sizeof(int))
            memcpy(&a->exit_code, a->msg->data, sizeof(int));
        a->ended = true;
        break;
    }
    a->out_done = 0;
    return 0;
}

/* Writes a part of the held output, which poll said would not block. */
static int pass_output(struct attach *a, struct err *err)
{
    size_t left = a->msg->len - a->out_done;
    ssize_t n = write(a->out_fd, a->msg->data + a->out_done, left < PIPE_BUF ? left : PIPE_BUF);
    if (n < 0 && errno == EPIPE) { /* nobody reads: end as any program in a pipe does */
        a->fatal_signal = SIGPIPE;
        return 0;
    }
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return err_errno(err, -errno, "write the container's output");
    a->out_done += n > 0 ? (size_t)n : 0;
    if (a->out_done == a->msg->len)
        a->out_fd = -1;
    return 0;
}

static int serve_once(struct attach *a, struct err *err)
{
    bool holding = a->out_fd >= 0;
    bool reading = a->stdin_open && a->in_flight + 16 * 1024 <= MON_STDIN_WINDOW;
    struct pollfd p[] = {
        {a->signals, POLLIN, 0},
        {holding ? -1 : a->channel, POLLIN, 0},
        {reading ? STDIN_FILENO : -1, POLLIN, 0},
        {a->out_fd, POLLOUT, 0},
    };
    int n = poll(p, 4, holding && a->o->hold_output ? HOLD_INTERVAL : -1);
    if (n < 0)
        return errno == EINTR ? 0 : err_errno(err, -errno, "poll");
    if (n == 0)
        channel_send(a->channel, MON_WAITING, NULL, 0, NULL, 0);
    if (p[0].revents)
        take_signals(a);
    if (p[2].revents)
        take_stdin(a);
    if (p[3].revents)
        return pass_output(a, err);
    return p[1].revents ? take_message(a, err) : 0;
}

static int serve(struct attach *a, struct err *err)
{
    if (a->o->tty) {
        if (a->o->stdin_open)
            terminal_raw(&a->terminal, STDIN_FILENO);
        send_size(a);
    }
    int r = 0;
    while (r == 0 && !a->ended && !a->detached && !a->fatal_signal)
        r = serve_once(a, err);
    terminal_restore(&a->terminal);
    if (a->detached)
        channel_send(a->channel, MON_LEAVE, NULL, 0, NULL, 0);
    return r;
}

int attach_run(int channel, const struct attach_options *o, int *ret_exit_code, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct attach a = {.o = o,
                       .channel = channel,
                       .terminal = {.fd = -1},
                       .msg = msg,
                       .out_fd = -1,
                       .stdin_open = o->stdin_open};
    if (o->tty && o->stdin_open && o->detach_keys) {
        int r = detach_keys_parse(o->detach_keys, &a.keys, err);
        if (r < 0)
            return r;
    }
    sigset_t set, before;
    signals_choose(o, &set);
    sigprocmask(SIG_BLOCK, &set, &before);
    void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN); /* it would leave the terminal raw */
    auto_close int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    a.signals = signals;
    int r = signals < 0 ? err_errno(err, -errno, "signalfd") : serve(&a, err);
    signal(SIGPIPE, pipe_before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (a.fatal_signal)
        raise(a.fatal_signal); /* unblocked again: dies here, unless the caller ignores it */
    if (r < 0)
        return r;
    *ret_exit_code = a.detached ? -1 : a.exit_code;
    if (a.fatal_signal && !a.ended)
        *ret_exit_code = -1;
    return 0;
}
