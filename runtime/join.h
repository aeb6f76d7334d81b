/* SPDX-License-Identifier: Apache-2.0 */
/* Entering the namespaces of a container that runs.
 *
 * Theory of operation. The container's init is known by a pidfd, so that no reused pid is ever
 * entered. A first child enters all its namespaces at once, becomes their root, and forks a second
 * one beside itself (CLONE_PARENT), as only a new process is in the pid namespace; that one does
 * the work. Both are not dumpable, so the container's root can neither trace them nor reach our
 * program through /proc/PID/exe (CVE-2019-5736) or our descriptors through /proc/PID/fd. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/proc.h"
#include "runtime/sandbox.h"

#define JOIN_NOT_RUNNING 255 /* podman's status for exec in a container that does not run */

enum join_kind {
    JOIN_USER,
    JOIN_MNT,
    JOIN_PID,
    JOIN_IPC,
    JOIN_UTS,
    JOIN_NET,
    JOIN_CGROUP,
    JOIN_NAMESPACES,
};

struct join {
    int pidfd;               /* of the container's init, or its command with --init */
    int ns[JOIN_NAMESPACES]; /* for kernels whose setns knows no pidfd; -1: one that we share */
    unsigned flags;          /* CLONE_NEW* of those that we do not share */
};

/* A pidfd of the process through which the container is entered: `init`, or where nobody can look
 * at that, as it is the process 1 of --init (runtime/reaper.c), its first child, the command, with
 * which the container ends. *ret_pid: which it is. -ESRCH when it does not run. */
int join_target(const struct proc_id *init, pid_t *ret_pid);

/* Opens what is needed to enter the namespaces of `init`. A container that does not run (any more)
 * is ERR_EXIT with status 255, as podman counts it. join_done() releases, also after a failure. */
int join_open(const struct proc_id *init, struct join *ret, struct err *err);
void join_done(struct join *j);
DEFINE_AUTO(join, join_done)
#define JOIN_NONE                                                                                  \
    {                                                                                              \
        .pidfd = -1, .ns = { -1, -1, -1, -1, -1, -1, -1 }                                          \
    }

/* The error of a container that does not run. */
int join_ended(struct err *err);

/* The id maps that the process has, as they are seen from here. */
int join_read_maps(pid_t pid, struct id_maps *ret, struct err *err);

/* In the first child: makes it undumpable and enters. Then it is root of the container, in its
 * root directory, but not yet in its pid namespace. */
int join_enter(const struct join *j, const struct id_maps *ids, struct err *err);

/* In the first child, after join_enter(): as fork(), but the child is in the pid namespace and a
 * child of our parent, and dies with it. A container that has just ended is as in join_open(). */
pid_t join_fork(struct err *err);
