/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's ends of the container's standard streams. */
#include "runtime/streams.h"

#include "base/cleanup.h"
#include "runtime/monitor.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

void streams_init(struct streams *io)
{
    *io = (struct streams){.in = -1, .out = -1, .err = -1};
}

static void close_in(struct streams *io)
{
    if (io->in != io->out)
        close_fd(&io->in);
    io->in = -1;
}

void streams_done(struct streams *io)
{
    close_in(io);
    close_fd(&io->out);
    close_fd(&io->err);
}

/* The flag belongs to the open pipe end, so init's end stays blocking. */
static void non_blocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int streams_pipes(struct streams *io, bool keep_stdin, int ret_child[3], struct err *err)
{
    int in[2] = {-1, -1}, out[2], errs[2];
    if ((keep_stdin && pipe2(in, O_CLOEXEC) < 0) || pipe2(out, O_CLOEXEC) < 0 ||
        pipe2(errs, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe"); /* the monitor ends: nothing to close */
    *io = (struct streams){.in = in[1], .out = out[0], .err = errs[0]};
    if (keep_stdin)
        non_blocking(io->in);
    non_blocking(io->out);
    non_blocking(io->err);
    ret_child[0] = in[0];
    ret_child[1] = out[1];
    ret_child[2] = errs[1];
    return 0;
}

void streams_terminal(struct streams *io, int master, const struct winsize *size)
{
    *io = (struct streams){.in = master, .out = master, .err = -1, .tty = true};
    non_blocking(master);
    if (size->ws_row)
        streams_resize(io, size);
}

void streams_resize(struct streams *io, const struct winsize *size)
{
    if (io->tty && io->out >= 0)
        ioctl(io->out, TIOCSWINSZ, size);
}

bool streams_read(struct streams *io, int which, struct log_file *log, struct clients *cs)
{
    int *fd = which == MON_STDOUT ? &io->out : &io->err;
    char data[32 * 1024];
    if (*fd < 0)
        return false;
    ssize_t n = read(*fd, data, sizeof(data));
    if (n > 0) {
        io->resting = false;
        log_file_write(log, which == MON_STDOUT ? "stdout" : "stderr", data, (size_t)n);
        clients_broadcast(cs, (uint32_t)which, data, (size_t)n);
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (io->tty)
        io->resting = true; /* EIO: no slave is open at the moment, one may be again */
    else
        close_fd(fd);
    return false;
}

static void end_of_input(struct streams *io)
{
    /* A terminal has no end: the reader is told by the end-of-file character. */
    struct termios t;
    if (io->tty) {
        char c = tcgetattr(io->in, &t) == 0 ? (char)t.c_cc[VEOF] : 4;
        (void)!write(io->in, &c, 1);
    } else {
        close_in(io);
    }
}

void streams_write(struct streams *io, struct clients *cs)
{
    for (size_t i = 0; i < cs->n; i++) {
        struct client *c = &cs->v[i];
        uint32_t taken = 0;
        while (io->in >= 0 && taken < c->in.len) {
            ssize_t n = write(io->in, c->in.data + taken, c->in.len - taken);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno != EAGAIN)
                close_in(io); /* EPIPE: the container closed its stdin */
            if (n <= 0)
                break;
            taken += (uint32_t)n;
        }
        if (io->in < 0)
            taken = (uint32_t)c->in.len; /* nobody will ever want it */
        if (taken) {
            buf_consume(&c->in, taken);
            client_send(c, MON_STDIN_TAKEN, &taken, sizeof(taken));
        }
        if (c->in.len == 0 && c->in_eof) {
            c->in_eof = false;
            if (io->in >= 0)
                end_of_input(io);
        }
    }
}
