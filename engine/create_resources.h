/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the machine a container may use. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>

/* What the flags of the same names were given with; NULL and empty: not. */
struct resource_options {
    char *memory, *memory_swap, *memory_reservation, *memory_swappiness;
    char *cpus, *cpu_period, *cpu_quota, *cpu_shares, *cpuset_cpus, *cpuset_mems;
    char *cpu_rt_period, *cpu_rt_runtime;
    char *pids_limit, *blkio_weight;
    struct strv read_bps, write_bps, read_iops, write_iops; /* DEVICE:RATE */
    /* Not of `update`: */
    char *cgroups, *cgroup_parent, *oom_score_adj, *oom_kill_disable;
    struct strv cgroup_conf; /* FILE=VALUE */
};

/* Checks them and puts them into HostConfig under podman's names. What is there already (`update`)
 * stays unless it is given anew; 0, or -1 where podman has that, takes a limit away. ERR_USAGE. */
int create_resources(const struct resource_options *o, json_t *host, struct err *err);
