/* SPDX-License-Identifier: Apache-2.0 */
/* From the monitor's first step to the executed command. Internal to the monitor. */
#pragma once

#include "runtime/monitor.h"
#include "runtime/streams.h"

struct launched {
    pid_t init, server; /* our children; 0: none */
    struct streams io;
};

/* Starts the root's server and init side by side, gives init its id maps, brings the root's device
 * from init to the server, waits for the exec. On failure nothing of the container is left but
 * what launch_wait_server() waits for. */
int launch(const struct monitor_options *o, const struct winsize *size, struct launched *ret,
           struct err *err);

/* Listens to init, or what joins a container (runtime/exec.c), until it has executed the command;
 * `msg` is room for a message. */
struct channel_msg;
int launch_follow(int channel, int server, const struct winsize *size, struct launched *l,
                  struct channel_msg *msg, struct err *err);

/* Waits for the end of the root's server, which comes by itself when the mount is gone; after 5 s
 * it is killed. */
void launch_wait_server(struct launched *l);
