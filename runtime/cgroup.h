/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup of the container's own, where the user may make one.
 *
 * Theory of operation. Only the unified hierarchy (v2) is used: what v1 delegates to a user limits
 * nothing safely. We begin at the cgroup that we are in and climb as long as directory,
 * cgroup.procs and cgroup.subtree_control may be written: that is what was delegated. The nearest
 * level that can give its children the controllers that are wanted is taken. The kernel refuses
 * that to one that has processes itself; when no level is left, the processes of our own cgroup go
 * to its child `wherry-session`, as in a scope of `systemd-run --user --scope -p Delegate=yes`.
 *
 * A setting is a string "FILE=VALUE" ("memory.max=1048576"); the controller is what stands before
 * the first dot. The container's processes begin their lives in the cgroup (CLONE_INTO_CGROUP):
 * moving one later costs some ms. Its file servers and its monitor stay outside, so that no limit
 * of the container's stops what it depends on. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup {
    int fd;     /* of the directory; only open when `dir` is set */
    char *dir;  /* where it is on the host; NULL: there is none */
    char *path; /* what it is called in its hierarchy */
};

void cgroup_done(struct cgroup *cg);
DEFINE_AUTO(cgroup, cgroup_done)

struct cgroup_request {
    const char *name;            /* of the new directory */
    const char *parent;          /* absolute: in the hierarchy; relative: below the place that is
                                    found; NULL: there */
    bool split;                  /* in the cgroup that we are in, and nowhere above it */
    const struct strv *settings; /* borrowed */
};

/* Makes the cgroup and writes the settings. The names of those that cannot be had here (no such
 * controller, nothing delegated) are appended to *ret_missing; where nothing is delegated that is
 * all of them, and ret->dir stays NULL. A value that the kernel refuses, and a `parent` that may
 * not be used, are errors, after which nothing is left but parents that were made. One of the same
 * name, of a container whose monitor was killed, is emptied and replaced. */
int cgroup_make(const struct cgroup_request *q, struct cgroup *ret, struct strv *ret_missing,
                struct err *err);

/* Opens one that was made; -ENOENT when it is gone. */
int cgroup_open(const char *dir, struct cgroup *ret, struct err *err);

/* Writes settings into the directory `fd`, as cgroup_make(). */
int cgroup_apply(int fd, const struct strv *settings, struct strv *ret_missing, struct err *err);

/* Moves a process there. */
int cgroup_attach(const struct cgroup *cg, pid_t pid, struct err *err);

/* All processes stand still when this returns 0, or go on. */
int cgroup_freeze(const struct cgroup *cg, bool stop, struct err *err);

/* Kills all processes in it and below. Before Linux 5.14 one by one. */
void cgroup_kill(int fd);

/* Kills what is left in it and removes it. A missing one is a success. */
int cgroup_remove(const char *dir, struct err *err);

/* --- reading (runtime/cgroup_read.c) --------------------------------------------------------- */

/* A file with one number; "max" is UINT64_MAX. False when it is not there. */
bool cgroup_number(int fd, const char *file, uint64_t *ret);
/* The number behind `key` in a file of lines "KEY NUMBER". */
bool cgroup_keyed(int fd, const char *file, const char *key, uint64_t *ret);
/* The sums of rbytes and wbytes over all devices of io.stat. */
bool cgroup_io(int fd, uint64_t *ret_read, uint64_t *ret_written);

/* Parsers; allocated results.
 * Of the first cgroup2 in a mountinfo: where it is mounted and which directory of the hierarchy is
 * shown there. */
bool cgroup_parse_mount(const char *mountinfo, char **ret_point, char **ret_root);
/* Our own cgroup in the unified hierarchy, from /proc/self/cgroup; NULL when there is none that
 * could be named here. */
char *cgroup_parse_own(const char *text);
