/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor's parts share. */
#pragma once

#include "base/channel.h"
#include "runtime/clients.h"
#include "runtime/launch.h"
#include "runtime/log_file.h"

/* The health check; all times are of clock_ms(), 0: none. */
struct check {
    pid_t pid;        /* of the process that makes one now; 0: none */
    int fd;           /* what it finds */
    struct buf found; /* so far */
    int64_t next;     /* when the next one is due */
    int64_t deadline; /* when the one under way is killed */
    int64_t kill_at;  /* when the container is killed that was told to end */
    bool paused;      /* the container is */
    bool disturbed;   /* it was paused during the one under way */
};

struct monitor {
    const struct monitor_options *o;
    struct launched l;
    struct clients clients;
    struct log_file log;
    struct check check;
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
/* To the container's init, or to the process group of a command that joined. */
void monitor_signal(struct monitor *m, int sig);

/* monitor_restart.c: after an end, whether the container will be started again; recorded. */
bool monitor_rests(struct monitor *m);
/* Waits for the time of the next start; false when the user ends it meanwhile. */
bool monitor_rest(struct monitor *m);

/* monitor_health.c: it was started; it ended, or is about to be started. */
void monitor_check_begin(struct monitor *m);
void monitor_check_reset(struct monitor *m);
/* Starts what is due, kills what has had its time; returns the wait, shortened for the next. */
int monitor_check_wait(struct monitor *m, int wait);
/* There is something to read from check.fd. */
void monitor_check_read(struct monitor *m);
void monitor_check_paused(struct monitor *m, bool paused);
void monitor_check_asked(struct monitor *m, struct client *c);
