/* SPDX-License-Identifier: Apache-2.0 */
/* Making the container's own namespaces and entering those it shares. Internal to the monitor. */
#pragma once

#include "base/err.h"
#include "runtime/sandbox.h"

/* As fork(), but the child is in all namespaces of the sandbox and a child of the monitor, which
 * calls this. *ret_shm, in the child: a detached mount of /dev/shm that belongs to the joined IPC
 * namespace, or -1. Returns the pid, 0 in the child, a negative errno. */
pid_t namespaces_fork(const struct sandbox *sb, int *ret_shm, struct err *err);

/* True when some namespace is another container's or one given by its path. */
bool namespaces_joined(const struct sandbox *sb);

/* After init's end: kills what is left of a container whose pid namespace is not its own. Its
 * processes are those in the mount namespace `mnt` (a number of /proc/PID/ns/mnt), which nobody
 * else is in. */
void namespaces_kill_rest(uint64_t mnt);

/* The number of the mount namespace that the process is in; 0: it is gone. */
uint64_t namespaces_mount_of(pid_t pid);
