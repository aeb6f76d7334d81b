/* SPDX-License-Identifier: Apache-2.0 */
/* Code of ours that runs inside of a container, whether that runs or not.
 *
 * Theory of operation. In a container that runs, a child joins its namespaces as `exec` does. For
 * one that does not, the sandbox is built as `start` does, with all mounts, and the child is its
 * init; nobody can start the container meanwhile, as the life-cycle lock is held, and all of it
 * goes with the child. Either way the child sees what the container's command sees and can do no
 * more than its root, and what it may be made to do stays in there. */
#pragma once

#include "engine/container.h"
#include "engine/prepare.h"
#include "runtime/join.h"
#include "runtime/launch.h"

struct entered {
    struct root *root; /* first: engine/root.h */
    struct root files;
    struct sandbox_config config;
    struct join join;
    struct launched child;
    int lock;
    sigset_t before;
    int (*fn)(void *arg, uint32_t uid, uint32_t gid);
    void *arg;
};

/* Calls fn in a child as its root; `uid` and `gid` are the container's user. Its 0 and 1 are pipes
 * whose other ends are child.io.in and child.io.out, blocking; it ends with what fn returns. Must
 * be followed by enter_end(), also after a failure. */
int enter_begin(struct engine *e, struct store_container *c,
                int (*fn)(void *arg, uint32_t uid, uint32_t gid), void *arg, struct entered *ret,
                struct err *err);

/* Closes the pipes and waits until everything of the child is gone. */
void enter_end(struct entered *en);
