/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to containers that are there: signals, waiting, other names, starting again. */
#pragma once

#include "engine/container.h"

/* Sends a signal to the container's first process. SIGKILL waits until the end is recorded. A
 * signal that asks for the end (SIGKILL, SIGTERM, SIGINT, SIGQUIT, SIGABRT, its own stop signal)
 * also means that the user does not want it restarted. One that does not run is -ESRCH: `can only
 * kill running containers...`. */
int container_kill(struct engine *e, struct store_container *c, int signal, struct err *err);

/* Waits until the status is one of `states` (STATUS_BIT), at most `timeout` ms (-1: for ever). The
 * container's directory tells of every change, the pidfd of its monitor of the changes that nobody
 * records, so nothing is polled; `interval` > 0: looks every so many ms all the same, for a store
 * on a network file system. 0; -ETIMEDOUT; -ENOENT when it was removed meanwhile. c->state is what
 * was seen last. */
int container_await(struct store_container *c, unsigned states, int64_t timeout, int64_t interval,
                    struct err *err);

/* The same, until seen(c, arg) says so, which is asked after every change in the directory. */
int container_await_until(struct store_container *c, bool (*seen)(struct store_container *, void *),
                          void *arg, int64_t timeout, int64_t interval, struct err *err);

/* Stops and starts. One that does not run is only started. timeout as container_stop(). */
int container_restart(struct engine *e, struct store_container *c, int64_t timeout,
                      struct err *err);

/* Gives it another name; its own again is a success. ERR_EXISTS when another has it. */
int container_rename(struct engine *e, struct store_container *c, const char *name,
                     struct err *err);

/* Stops all its processes, or lets them go on. It must run, or be paused: else -EINVAL. */
int container_pause(struct engine *e, struct store_container *c, bool pause, struct err *err);
