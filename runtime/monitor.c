/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor: one process a container.
 *
 * Theory of operation. A double fork leaves it to the machine's init in a session of its own. It
 * launches the container (launch.c), then one ppoll loop serves its streams and clients until init
 * is reaped and its output is drained; then the root's server is waited for, the exit is recorded,
 * the clients hear of it, and what is queued for them is flushed.
 *
 * Should: outlive every client (a build's step: end with its one); end when the container has
 * ended. Mustn't: wait for a client anywhere but in the loops here, whose every wait is bounded. */
#include "runtime/monitor.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "runtime/cgroup.h"
#include "runtime/clients.h"
#include "runtime/exec.h"
#include "runtime/freeze.h"
#include "runtime/monitor_internal.h"
#include "runtime/namespaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define REST 100 /* ms until a pty without slaves is looked at again */

/* Descriptors that our own code opened are close-on-exec; what is not was inherited from whoever
 * started wherry, and would be held open for as long as the container runs. */
static void close_inherited(void)
{
    auto_closedir DIR *dir = opendir("/proc/self/fd");
    struct dirent *e;
    while (dir && (e = readdir(dir))) {
        int fd = atoi(e->d_name), flags = fcntl(fd, F_GETFD);
        if (fd > 2 && fd != dirfd(dir) && flags >= 0 && !(flags & FD_CLOEXEC))
            close(fd);
    }
}

static void leave_caller(struct monitor *m)
{
    setsid();
    for (size_t i = 0; i < m->o->n_forget; i++)
        close(m->o->forget[i]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        if (fd != null)
            dup2(null, fd);
    if (null > 2)
        close(null);
    close_inherited();
    (void)!chdir("/");
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTTOU, SIGTTIN, SIGTSTP};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, MONITOR_SIGNAL_END);
    sigprocmask(SIG_SETMASK, &set, NULL);
    m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    proc_title("wherry: %s %.12s", m->o->exec ? "exec" : "monitor",
               m->o->sandbox->id ? m->o->sandbox->id : "");
}

/* A container without its root is of no use: every access fails. Its server ends by itself when
 * the container does, perhaps a moment before init can be reaped. */
static void reap_server(struct monitor *m)
{
    int status;
    pid_t *root = m->l.n_servers ? &m->l.servers[0] : NULL;
    if (m->ended || !root || *root <= 0 || waitpid(*root, &status, WNOHANG) != *root)
        return;
    *root = 0;
    if (m->l.init > 0)
        kill(m->l.init, SIGKILL);
}

/* It ends with the container, or a moment earlier, when its device is gone. */
static void reap_network(struct monitor *m)
{
    int status;
    if (m->l.network <= 0 || waitpid(m->l.network, &status, WNOHANG) != m->l.network)
        return;
    m->l.network = 0;
    if (!m->ended && m->o->ops.net_lost)
        m->o->ops.net_lost(m->o->ops.ctx);
}

static void reap_init(struct monitor *m)
{
    int status;
    if (!m->ended && waitpid(m->l.init, &status, WNOHANG) == m->l.init) {
        m->ended = true;
        m->exit_code = proc_exit_code(status);
        m->l.init = 0;
    }
}

/* What a container's init does not pass on its processes do not get; a command that joined is a
 * process group, as in a shell, and all of it is meant. */
void monitor_signal(struct monitor *m, int sig)
{
    if (m->l.init > 0)
        kill(m->o->exec ? -m->l.init : m->l.init, sig);
}

void monitor_take_signals(struct monitor *m)
{
    struct signalfd_siginfo si;
    while (read(m->signals, &si, sizeof(si)) == sizeof(si)) {
        if (si.ssi_signo == SIGTERM)
            monitor_signal(m, SIGTERM); /* the session ends: the container may end in order */
        if (si.ssi_signo == SIGTERM || si.ssi_signo == MONITOR_SIGNAL_END)
            m->end_wanted = true;
    }
    reap_init(m);
    reap_server(m);
    reap_network(m);
}

static int freeze(struct monitor *m, bool stop, struct err *err)
{
    const struct cgroup *cg = m->o->sandbox->cgroup;
    return cg ? cgroup_freeze(cg, stop, err) : freeze_signal(&m->init_id, stop, err);
}

static void pause_or_go_on(struct monitor *m, struct client *c, bool stop)
{
    struct err answer = {0};
    if (m->l.init <= 0 || m->o->exec)
        err_set(&answer, -ESRCH, "the container does not run");
    else if (freeze(m, stop, &answer) == 0 && m->o->ops.paused &&
             m->o->ops.paused(m->o->ops.ctx, stop, &answer) < 0)
        freeze(m, !stop, NULL); /* as it is recorded */
    else if (answer.code == 0)
        monitor_check_paused(m, stop);
    client_send(c, MON_DONE, &answer, sizeof(answer));
}

static void take_messages(struct monitor *m, struct client *c)
{
    while (client_receive(c, m->msg) == 1) {
        struct winsize size;
        int sig;
        if (m->msg->type == MON_RESIZE && m->msg->len == sizeof(size)) {
            memcpy(&size, m->msg->data, sizeof(size));
            streams_resize(&m->l.io, &size);
        } else if (m->msg->type == MON_SIGNAL && m->msg->len == sizeof(sig)) {
            memcpy(&sig, m->msg->data, sizeof(sig));
            if (sig > 0 && sig < NSIG)
                monitor_signal(m, sig);
        } else if (m->msg->type == MON_PAUSE || m->msg->type == MON_UNPAUSE) {
            pause_or_go_on(m, c, m->msg->type == MON_PAUSE);
        } else if (m->msg->type == MON_CHECK) {
            monitor_check_asked(m, c);
        } else if (m->msg->type == MON_LEAVE) {
            m->clients.patient = false;
        }
    }
}

static bool input_waits(const struct clients *cs)
{
    for (size_t i = 0; i < cs->n; i++)
        if (cs->v[i].in.len || cs->v[i].in_eof)
            return true;
    return false;
}

/* What to poll: fixed places first, then the clients in their order. */
enum { P_SIGNALS, P_LISTENER, P_CHECK, P_OUT, P_ERR, P_IN, P_CLIENTS };

static size_t poll_fill(struct monitor *m, struct pollfd *p)
{
    bool reading = !clients_full(&m->clients);
    struct streams *io = &m->l.io;
    bool writing = input_waits(&m->clients) && io->in >= 0 && !io->resting;
    p[P_SIGNALS] = (struct pollfd){m->signals, POLLIN, 0};
    p[P_LISTENER] = (struct pollfd){m->listener, POLLIN, 0};
    p[P_CHECK] = (struct pollfd){m->check.fd, POLLIN, 0};
    p[P_OUT] = (struct pollfd){reading && !io->resting ? io->out : -1, POLLIN, 0};
    p[P_ERR] = (struct pollfd){reading ? io->err : -1, POLLIN, 0};
    p[P_IN] = (struct pollfd){writing ? io->in : -1, POLLOUT, 0};
    for (size_t i = 0; i < m->clients.n; i++) {
        struct client *c = &m->clients.v[i];
        p[P_CLIENTS + i] = (struct pollfd){
            c->sock, (short)(POLLIN | (c->out.len > c->out_start ? POLLOUT : 0)), 0};
    }
    return P_CLIENTS + m->clients.n;
}

/* --timeout: kills when the time is over; else shortens the wait. */
static int time_limit(struct monitor *m, int wait)
{
    if (m->deadline <= 0)
        return wait;
    int64_t left = m->deadline - clock_ms();
    if (left <= 0) {
        monitor_signal(m, SIGKILL);
        m->end_wanted = true;
        m->deadline = 0;
        return wait;
    }
    if (left > INT32_MAX)
        left = INT32_MAX;
    return wait < 0 || left < wait ? (int)left : wait;
}

static bool anybody(const struct clients *cs)
{
    for (size_t i = 0; i < cs->n; i++)
        if (cs->v[i].sock >= 0)
            return true;
    return false;
}

/* One round. Clients are served before any is added or removed, so the places stay right. */
static void serve_once(struct monitor *m)
{
    struct pollfd p[P_CLIENTS + CLIENTS_MAX];
    int wait = clients_reap(&m->clients);
    if (m->clients.patient && !anybody(&m->clients))
        monitor_signal(m, SIGKILL); /* nobody is left whom this could be for */
    struct streams *io = &m->l.io;
    if (io->resting && (wait < 0 || wait > REST))
        wait = REST;
    wait = monitor_check_wait(m, time_limit(m, wait));
    size_t n = poll_fill(m, p);
    if (poll(p, n, wait) < 0)
        return;
    if (io->resting && p[P_OUT].fd < 0)
        io->resting = false;
    for (size_t i = 0; i + P_CLIENTS < n; i++) {
        if (p[P_CLIENTS + i].revents & POLLOUT)
            client_flush(&m->clients.v[i]);
        if (p[P_CLIENTS + i].revents & ~POLLOUT)
            take_messages(m, &m->clients.v[i]);
    }
    if (p[P_OUT].revents)
        streams_read(io, MON_STDOUT, &m->log, &m->clients);
    if (p[P_ERR].revents)
        streams_read(io, MON_STDERR, &m->log, &m->clients);
    if (input_waits(&m->clients) && (io->in < 0 || p[P_IN].fd < 0 || p[P_IN].revents))
        streams_write(io, &m->clients);
    if (p[P_SIGNALS].revents)
        monitor_take_signals(m);
    if (p[P_LISTENER].revents)
        clients_accept(&m->clients, m->listener, &m->init_id, sizeof(m->init_id));
    if (p[P_CHECK].revents)
        monitor_check_read(m);
}

/* After init's death all its processes are dead: what the streams hold now is the rest, and no more
 * than a pipe's capacity, so that it may go beyond a client's queue. */
static void drain(struct monitor *m)
{
    while (streams_read(&m->l.io, MON_STDOUT, &m->log, &m->clients))
        ;
    while (streams_read(&m->l.io, MON_STDERR, &m->log, &m->clients))
        ;
    streams_done(&m->l.io);
}

static void flush_clients(struct monitor *m)
{
    for (int wait; (wait = clients_reap(&m->clients)), clients_pending(&m->clients);) {
        struct pollfd p[P_CLIENTS + CLIENTS_MAX];
        size_t n = poll_fill(m, p);
        p[P_LISTENER].fd = -1; /* who comes now waits in the socket's queue */
        if (poll(p, n, wait) < 0 && errno != EINTR)
            break;
        if (p[P_SIGNALS].revents)
            monitor_take_signals(m);
        for (size_t i = 0; i + P_CLIENTS < n; i++) {
            client_flush(&m->clients.v[i]);
            take_messages(m, &m->clients.v[i]);
        }
        streams_write(&m->l.io, &m->clients);
    }
    clients_done(&m->clients);
}

static int failure_code(const struct err *e)
{
    return e->kind == ERR_NOT_EXEC ? 126 : e->kind == ERR_NO_COMMAND ? 127 : 125;
}

static int listen_for_clients(struct monitor *m, struct err *err)
{
    const struct monitor_options *o = m->o;
    if (m->signals < 0)
        return err_errno(err, -errno, "signalfd");
    int r = log_file_open(&m->log, err);
    if (r < 0 || o->run_dir_fd < 0)
        return r;
    m->listener = channel_listen_at(o->run_dir_fd, "attach", err);
    if (m->listener < 0)
        return m->listener;
    fcntl(m->listener, F_SETFL, O_NONBLOCK);
    return 0;
}

static int start_container(struct monitor *m, const struct winsize *size, struct err *err)
{
    const struct monitor_options *o = m->o;
    launch_init(&m->l);
    int r = o->exec ? exec_launch(o, size, &m->l, err) : launch(o, size, &m->l, err);
    if (r < 0)
        return r;
    r = proc_identify(m->l.init, &m->init_id, err);
    if (r == 0 && o->ops.started)
        r = o->ops.started(o->ops.ctx, &m->init_id, err);
    if (r < 0)
        launch_kill(&m->l);
    /* Who waits for the end of these must not wait for us. */
    for (size_t i = 0; i < o->sandbox->n_kept_fds; i++)
        close(o->sandbox->kept_fds[i]);
    m->ended = false;
    m->deadline = o->time_limit > 0 ? clock_ms() + o->time_limit : 0;
    return r;
}

static void leave_run_dir(struct monitor *m)
{
    if (m->listener >= 0)
        unlinkat(m->o->run_dir_fd, "attach", 0);
    close_fd(&m->listener);
}

static _Noreturn void end_failed(struct monitor *m, struct err *err)
{
    namespaces_kill_rest(&m->l.mounts);
    launch_wait_server(&m->l, m->o->root_is_dropped);
    leave_run_dir(m);
    if (m->o->ops.exited)
        m->o->ops.exited(m->o->ops.ctx, failure_code(err), err);
    clients_broadcast(&m->clients, MON_FAILED, err, sizeof(*err));
    flush_clients(m);
    _exit(failure_code(err));
}

/* From the exec to the moment when nothing of the container is left. */
static void run_container(struct monitor *m)
{
    clients_broadcast(&m->clients, MON_STARTED, &m->init_id, sizeof(m->init_id));
    monitor_check_begin(m);
    while (!m->ended)
        serve_once(m);
    monitor_check_reset(m);
    namespaces_kill_rest(&m->l.mounts);
    drain(m);
    launch_wait_server(&m->l, m->o->root_is_dropped);
}

static _Noreturn void monitor_main(const struct monitor_options *o, int sock,
                                   const struct winsize *size)
{
    struct monitor *m = new0(struct monitor);
    *m =
        (struct monitor){.o = o, .listener = -1, .signals = -1, .log = o->log, .check = {.fd = -1}};
    m->msg = new0(struct channel_msg);
    launch_init(&m->l);
    leave_caller(m);
    m->clients.patient = o->run_dir_fd < 0;
    clients_add(&m->clients, sock);
    struct err err = {0};
    if (listen_for_clients(m, &err) < 0 || start_container(m, size, &err) < 0)
        end_failed(m, &err);
    run_container(m);
    while (monitor_rests(m)) {
        /* Who followed it has seen its end. */
        clients_broadcast(&m->clients, MON_EXITED, &m->exit_code, sizeof(m->exit_code));
        flush_clients(m);
        if (!monitor_rest(m))
            break;
        if (start_container(m, size, &err) < 0)
            end_failed(m, &err);
        run_container(m);
    }
    leave_run_dir(m);
    if (o->ops.exited)
        o->ops.exited(o->ops.ctx, m->exit_code, NULL);
    clients_broadcast(&m->clients, MON_EXITED, &m->exit_code, sizeof(m->exit_code));
    flush_clients(m);
    _exit(0);
}

/* The size of the caller's terminal, so that the container's is right from its first moment. */
static struct winsize caller_size(const struct sandbox *sb)
{
    struct winsize size = {0};
    for (int fd = 0; sb->tty && fd < 3; fd++)
        if (ioctl(fd, TIOCGWINSZ, &size) == 0)
            break;
    return size;
}

int monitor_start(const struct monitor_options *o, int *ret_channel, struct err *err)
{
    int ends[2], status = 0;
    int r = channel_pair(ends, err);
    if (r < 0)
        return r;
    struct winsize size = caller_size(o->sandbox);
    pid_t pid = fork();
    if (pid == 0) {
        /* Twice, so that a caller that lives on (a build) never has to collect it. */
        pid_t inner = fork();
        if (inner != 0)
            _exit(inner < 0);
        close(ends[0]);
        monitor_main(o, ends[1], &size);
    }
    int code = -errno;
    close(ends[1]);
    /* A caller that inherited an ignored SIGCHLD has nothing to wait for: the channel will tell. */
    int waited = pid < 0 ? 0 : proc_wait(pid, &status);
    if (pid < 0 || (waited == 0 && status != 0)) {
        close(ends[0]);
        return err_errno(err, pid < 0 ? code : -EAGAIN, "fork the monitor");
    }
    *ret_channel = ends[0];
    return 0;
}

int monitor_wait_started(int channel, struct proc_id *ret, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    int r = channel_recv(channel, msg);
    if (r <= 0)
        return err_set(err, r ? r : -EPIPE, "the container's monitor ended unexpectedly");
    channel_msg_done(msg);
    if (msg->type == MON_STARTED && msg->len == sizeof(*ret)) {
        memcpy(ret, msg->data, sizeof(*ret));
        return 0;
    }
    if (msg->type != MON_FAILED || msg->len != sizeof(struct err))
        return err_set(err, -EPROTO, "unexpected message from the container's monitor");
    struct err failed;
    memcpy(&failed, msg->data, sizeof(failed));
    if (err)
        *err = failed;
    return failed.code < 0 ? failed.code : -EIO;
}
