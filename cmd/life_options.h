/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for how long the container lives. */
#pragma once

#include "engine/create_life.h"

/* For the member `life`, a struct life_options, of struct container_values. */
#define LIFE_OPTION_ROWS                                                                           \
    OPT_STRING_ROW(                                                                                \
        0, "log-driver", container_values, life.log_driver, "DRIVER",                              \
        "Log of the container: k8s-file (the default), json-file, none, passthrough (its "         \
        "output is ours) or passthrough-tty"),                                                     \
        OPT_LIST_ROW(0, "log-opt", container_values, life.log_options, "NAME=VALUE",               \
                     "max-size=SIZE: bound of the log; path=FILE: where it is; tag=TEXT"),         \
        OPT_STRING_ROW(0, "conmon-pidfile", container_values, life.monitor_pid_file, "FILE",       \
                       "Write the process ID of the container's monitor to FILE"),                 \
        OPT_STRING_ROW(0, "pidfile", container_values, life.pid_file, "FILE",                      \
                       "Write the container's process ID to FILE"),                                \
        OPT_CSV_ROW(0, "requires", container_values, life.requires, "CONTAINER",                   \
                    "Start this container first, and keep it from being removed"),                 \
        OPT_STRING_ROW(0, "restart", container_values, life.restart, "POLICY",                     \
                       "Start it again when it ends: no (the default), always, unless-stopped, "   \
                       "on-failure[:TIMES]"),                                                      \
    {                                                                                              \
        .type = OPT_INT, .name = "timeout",                                                        \
        .offset = offsetof(struct container_values, life.timeout), .value = "SECONDS",             \
        .help = "Kill the container when it has run this long", .min = 0, .max = INT32_MAX         \
    }
