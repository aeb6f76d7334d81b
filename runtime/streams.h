/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's ends of the container's standard streams: pipes or one pty. */
#pragma once

#include "base/err.h"
#include "runtime/clients.h"
#include "runtime/log_file.h"

#include <stdbool.h>
#include <sys/ioctl.h>

struct streams {
    int in, out, err; /* non-blocking; -1: closed. With a terminal in == out, and err is -1 */
    bool tty;
    bool resting; /* the pty had no open slave just now: read it again later */
};

void streams_init(struct streams *io);
void streams_done(struct streams *io);

/* Makes the pipes; ret_child are init's ends (CLOEXEC). */
int streams_pipes(struct streams *io, bool keep_stdin, int ret_child[3], struct err *err);
/* Takes the pty's master. */
void streams_terminal(struct streams *io, int master, const struct winsize *size);

void streams_resize(struct streams *io, const struct winsize *size);

/* Reads once from out or err (MON_STDOUT, MON_STDERR) and passes it to log and clients. False when
 * nothing is to be had now. */
bool streams_read(struct streams *io, int which, struct log_file *log, struct clients *cs);

/* Writes what clients sent, as far as it goes without waiting. */
void streams_write(struct streams *io, struct clients *cs);
