/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor's parts share. */
#pragma once

#include "base/channel.h"
#include "runtime/clients.h"
#include "runtime/launch.h"
#include "runtime/log_file.h"

struct monitor {
    const struct monitor_options *o;
    struct launched l;
    struct clients clients;
    struct log_file log;
    struct proc_id init_id;
    struct channel_msg *msg;
    int signals, listener;
    bool ended;      /* init was reaped */
    bool end_wanted; /* the user ends it: it is not started again */
    int exit_code;
    int64_t deadline; /* ms, monotonic, 0: none: when it is killed */
    int64_t pause;    /* ms from its end to the next start */
};

void monitor_take_signals(struct monitor *m);

/* monitor_restart.c: after an end, whether the container will be started again; recorded. */
bool monitor_rests(struct monitor *m);
/* Waits for the time of the next start; false when the user ends it meanwhile. */
bool monitor_rest(struct monitor *m);
