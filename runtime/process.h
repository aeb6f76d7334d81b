/* SPDX-License-Identifier: Apache-2.0 */
/* From a process with all power over the container's namespaces to the executed command: what the
 * container's init and a command that joins it later (exec) have in common. */
#pragma once

#include "runtime/emulate.h"
#include "runtime/monitor.h"
#include "runtime/sandbox.h"
#include "runtime/user.h"

struct process {
    const struct sandbox *sb;
    int channel;  /* to the monitor: INIT_EXEC is sent on it (runtime/init.h) */
    int stdio[3]; /* without a terminal: pipes; -1: /dev/null */
    int terminal; /* the pty's slave, or -1 */
    bool joins;   /* the container runs already: nothing of it is made or changed */
    const struct monitor_ops *ops;
    uint32_t named_uid, named_gid; /* of sb->user, when `user` is root for ops->inside */
    bool subreaper;                /* as in struct exec_target */
    bool privileged; /* root keeps all capabilities; the policy stays the container's */
    struct emulate_handover emulation;
    struct user user;
    struct user shown; /* who the command believes to be, where root emulation makes it so */
    struct strv env;
};

/* Takes the ids of the container's root, in its user namespace; where 0 is not mapped, those of
 * id_map_owner(). */
int process_become_root(const struct id_maps *ids, struct err *err);

/* Resolves sb->user in the files below `root` and builds the environment. */
int process_find_user(struct process *p, int root, struct err *err);

/* Descriptors, session, working directory, limits, ids, policy, capabilities, exec or ops->inside.
 * The container's root is our root. Returns only on failure. */
int process_become(struct process *p, struct err *err);
