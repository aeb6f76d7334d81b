/* SPDX-License-Identifier: Apache-2.0 */
/* Making the container's own namespaces and entering those it shares. Internal to the monitor. */
#pragma once

#include "base/err.h"
#include "runtime/sandbox.h"

/* As fork(), but the child is in all namespaces of the sandbox and a child of the monitor, which
 * calls this. *ret_shm, in the child: a detached mount of /dev/shm that belongs to the joined IPC
 * namespace, or -1. Returns the pid, 0 in the child, a negative errno. */
pid_t namespaces_fork(const struct sandbox *sb, int *ret_shm, struct err *err);

/* A descriptor of the mount namespace that the process is in, which keeps its number from becoming
 * another's; negative: it is gone. */
int namespaces_hold_mounts(pid_t pid);

/* After init's end: kills what is left of a container whose pid namespace is not its own. Its
 * processes are those in the mount namespace `held`, which nobody else is in. Closes it. */
void namespaces_kill_rest(int *held);
