/* SPDX-License-Identifier: Apache-2.0 */
/* exec: a command that joins a running container. */
#pragma once

#include "base/id.h"
#include "engine/container.h"

struct exec_options {
    const struct strv *command; /* at least one word */
    const struct strv *env;     /* NAME=value, or NAME: taken from our environment; may be NULL */
    const char *user;           /* NULL: the container's */
    const char *work_dir;       /* NULL: the container's */
    bool tty, interactive, privileged;
    const struct handover *handover; /* descriptors that it gets (engine/handover.h); may be NULL */
    bool check; /* of a health check: no event tells of it, and processes_kill_tree() can end it */
    struct proc_id *ret_process; /* the command's; NULL: nobody wants to know */
};

/* Starts the command. *ret_channel talks to its monitor (runtime/monitor.h), which kills it when
 * the channel is closed without exec_leave(); it has been executed when this returns 0. `ret_id` is
 * what inspect calls it in ExecIDs while it runs. A container that does not run is ERR_EXIT with
 * status 255. */
int container_exec(struct engine *e, struct store_container *c, const struct exec_options *o,
                   int *ret_channel, char ret_id[static ID_HEX_LEN + 1], struct err *err);

/* Nobody will wait for it: it runs on when the channel is closed. */
int exec_leave(int channel, struct err *err);

/* Follows it as container_attach() does. */
int exec_attach(int channel, const struct exec_options *o, const char *detach_keys,
                int *ret_exit_code, struct err *err);

/* The ids of what was executed in the container and still runs, appended. */
void exec_ids(struct engine *e, const struct store_container *c, struct strv *ret);
