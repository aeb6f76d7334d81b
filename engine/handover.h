/* SPDX-License-Identifier: Apache-2.0 */
/* What a command gets of the descriptors of who starts it.
 *
 * Theory of operation. Descriptors that wherry opens are close-on-exec, so one without that flag
 * came from the caller. Those that are to be handed on get the flag before the monitor is forked;
 * it is taken off again in the command's process, right before its exec (runtime/process.c).
 * Everybody between lets go of them, so that the other end of a pipe sees its end when the command
 * is gone. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"

#include <stddef.h>
#include <stdint.h>

#define HANDOVER_MAX 256

struct handover {
    int fds[HANDOVER_MAX]; /* keep their numbers */
    size_t n;
    int listening; /* how many of them, from 3 on, are LISTEN_FDS: sockets of a service manager */
};

/* --preserve-fds `count`: 3 to 2 + count; --preserve-fd: the numbers in `listed` (may be NULL); and
 * what LISTEN_FDS says when it is meant for us, with `listen`. ERR_USAGE when one is not open. */
int handover_collect(int64_t count, const struct strv *listed, bool listen, struct handover *ret,
                     struct err *err);

/* For the monitor that is forked next: it keeps them and no program gets them. One that is forked
 * without this, of another container, lets go of them as of all that it inherits. */
void handover_keep(const struct handover *h);

/* The command has them: closes ours. */
void handover_done(struct handover *h);

DEFINE_AUTO(handover, handover_done)
