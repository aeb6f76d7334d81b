/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run`, `create` and `update` for what the container may use. */
#pragma once

#include "base/opt.h"
#include "engine/create_resources.h"

/* For the member `resources`, a struct resource_options, of struct `holder`. */
#define RESOURCE_OPTION_ROWS(holder)                                                               \
    OPT_STRING_ROW(0, "blkio-weight", holder, resources.blkio_weight, "WEIGHT",                    \
                   "Share of the disks' time, 10 to 1000"),                                        \
        OPT_STRING_ROW(0, "cpu-period", holder, resources.cpu_period, "MICROSECONDS",              \
                       "Period of --cpu-quota (default 100000)"),                                  \
        OPT_STRING_ROW(0, "cpu-quota", holder, resources.cpu_quota, "MICROSECONDS",                \
                       "CPU time in each period"),                                                 \
        OPT_STRING_ROW(0, "cpu-rt-period", holder, resources.cpu_rt_period, "MICROSECONDS",        \
                       "Not supported: cgroups v1 only"),                                          \
        OPT_STRING_ROW(0, "cpu-rt-runtime", holder, resources.cpu_rt_runtime, "MICROSECONDS",      \
                       "Not supported: cgroups v1 only"),                                          \
        OPT_STRING_ROW('c', "cpu-shares", holder, resources.cpu_shares, "SHARES",                  \
                       "Share of the CPU time beside others (2 to 262144; others have 1024)"),     \
        OPT_STRING_ROW(0, "cpus", holder, resources.cpus, "NUMBER",                                \
                       "So many CPUs' time at most, such as 1.5"),                                 \
        OPT_STRING_ROW(0, "cpuset-cpus", holder, resources.cpuset_cpus, "CPUS",                    \
                       "Run on these CPUs only, such as 0-3,7"),                                   \
        OPT_STRING_ROW(0, "cpuset-mems", holder, resources.cpuset_mems, "NODES",                   \
                       "Use memory of these NUMA nodes only"),                                     \
        OPT_LIST_ROW(0, "device-read-bps", holder, resources.read_bps, "DEVICE:RATE",              \
                     "Bytes a second that may be read from a device"),                             \
        OPT_LIST_ROW(0, "device-read-iops", holder, resources.read_iops, "DEVICE:NUMBER",          \
                     "Reads a second from a device"),                                              \
        OPT_LIST_ROW(0, "device-write-bps", holder, resources.write_bps, "DEVICE:RATE",            \
                     "Bytes a second that may be written to a device"),                            \
        OPT_LIST_ROW(0, "device-write-iops", holder, resources.write_iops, "DEVICE:NUMBER",        \
                     "Writes a second to a device"),                                               \
        OPT_STRING_ROW('m', "memory", holder, resources.memory, "SIZE", "Memory at most"),         \
        OPT_STRING_ROW(0, "memory-reservation", holder, resources.memory_reservation, "SIZE",      \
                       "Memory that is not taken from it while there is other"),                   \
        OPT_STRING_ROW(0, "memory-swap", holder, resources.memory_swap, "SIZE",                    \
                       "Memory and swap together (default: twice --memory; -1: any)"),             \
        OPT_STRING_ROW(0, "memory-swappiness", holder, resources.memory_swappiness, "NUMBER",      \
                       "Not supported: cgroups v1 only"),                                          \
        OPT_STRING_ROW(0, "pids-limit", holder, resources.pids_limit, "NUMBER",                    \
                       "Processes and threads at most (-1: any number)")

/* What cannot be changed later; for struct container_values. */
#define CGROUP_OPTION_ROWS                                                                         \
    OPT_LIST_ROW(0, "cgroup-conf", container_values, resources.cgroup_conf, "FILE=VALUE",          \
                 "Write a file of the container's cgroup"),                                        \
        OPT_STRING_ROW(0, "cgroup-parent", container_values, resources.cgroup_parent, "PATH",      \
                       "Make the container's cgroup in this one"),                                 \
        OPT_CHOICE_ROW(0, "cgroups", container_values, resources.cgroups, "HOW",                   \
                       "enabled, disabled, no-conmon or split (below our own); without it there "  \
                       "is one when a limit asks for it",                                          \
                       "enabled|disabled|no-conmon|split"),                                        \
        OPT_SWITCH_ROW(0, "oom-kill-disable", container_values, resources.oom_kill_disable,        \
                       "Not supported: cgroups v1 only"),                                          \
        OPT_STRING_ROW(0, "oom-score-adj", container_values, resources.oom_score_adj, "NUMBER",    \
                       "Which process is killed first for want of memory (-1000 to 1000)")
