/* SPDX-License-Identifier: Apache-2.0 */
/* All processes of a container stand still for a while.
 *
 * Theory of operation. Without a cgroup of its own a container is stopped by signals. A child of
 * ours enters its user and pid namespaces, stops init from outside, and its own child, which is
 * inside, all others by one kill(-1, SIGSTOP): the kernel delivers that to all that there are at
 * one moment, and none of them can have made another meanwhile without that one being stopped as
 * well. Both wait at a pipe and let everybody go on when its other end is closed, so a caller that
 * is killed leaves no container standing.
 *
 * Should: undo what it did whatever happens to the caller. Mustn't: signal anybody that is not in
 * the container's pid namespace.
 *
 * What was stopped already goes on afterwards, too: a signal cannot tell. */
#pragma once

#include "base/proc.h"

struct freeze {
    int fd; /* everybody goes on when it is closed; -1: nothing is frozen */
    pid_t pid;
};

/* When this returns 0 all stand still. -ESRCH: the container does not run. */
int freeze_begin(const struct proc_id *init, struct freeze *ret, struct err *err);
/* When this returns all go on. Also for one that was not begun (fd -1). */
void freeze_end(struct freeze *f);

/* The same for good, until it is undone: stops all, or lets all go on. Leaves no process behind. */
int freeze_signal(const struct proc_id *init, bool stop, struct err *err);
