/* SPDX-License-Identifier: Apache-2.0 */
/* A function as root of a user namespace: for work on files that belong to our subordinate ids. */
#pragma once

#include "base/err.h"
#include "runtime/sandbox.h"

#include <sys/types.h>

/* Runs `fn` in a child that is root of a new user namespace with these maps, and waits for it.
 * Returns what it returned, with its error. Nothing else of its work comes back. The child ends
 * with the calling thread. */
int userns_run(const struct id_maps *maps, int (*fn)(void *arg, struct err *err), void *arg,
               struct err *err);

/* The same in two steps, with the caller's own work between them. */
struct userns_child {
    pid_t pid;
    int from; /* its answers */
};
int userns_begin(const struct id_maps *maps, int (*fn)(void *arg, struct err *err), void *arg,
                 struct userns_child *ret, struct err *err);
int userns_finish(struct userns_child *child, struct err *err);
