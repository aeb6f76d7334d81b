/* SPDX-License-Identifier: Apache-2.0 */
/* `stats`: what a container uses. */
#pragma once

#include "engine/container.h"

/* Counts since the container's start, but for memory and processes, which are now's. */
struct stats_sample {
    bool running;
    uint64_t at, uptime;              /* nanoseconds; `at` of a clock that only goes forward */
    uint64_t cpu;                     /* nanoseconds of all its CPUs */
    uint64_t memory, memory_limit;    /* bytes; without a limit of its own the machine's */
    uint64_t disk_read, disk_written; /* without writes into volumes */
    bool own_network;                 /* else the numbers would be the machine's */
    uint64_t net_in, net_out;
    uint64_t processes;
};

/* From the container's cgroup, if it has one of its own, else from /proc: the sum of its processes;
 * what processes used that have ended is in it if their parents waited for them and live. All zero
 * for a container that does not run. */
int container_stats(const struct store_container *c, struct stats_sample *ret, struct err *err);
