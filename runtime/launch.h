/* SPDX-License-Identifier: Apache-2.0 */
/* From the monitor's first step to the executed command. Internal to the monitor. */
#pragma once

#include "runtime/emulate.h"
#include "runtime/monitor.h"
#include "runtime/streams.h"

struct launched {
    pid_t init, supervisor, guard; /* our children; 0: none */
    pid_t *servers;                /* of the root, then of the mounts that are served; 0: none */
    size_t n_servers;
    pid_t network;   /* the helper of the network; 0: none */
    pid_t ending;    /* the helper of an earlier launch, to be collected; 0: none */
    int net_control; /* its end is our end of this; -1 */
    int mounts;      /* with a pid namespace that is not its own: its mount namespace; else -1 */
    struct streams io;
    struct emulate_handover emulation;
};

/* Before anything else. */
void launch_init(struct launched *l);

/* Starts the servers and init side by side, gives init its id maps, brings the devices from init to
 * the servers, waits for the exec. On failure nothing of the container is left but
 * what launch_wait_server() waits for. l->mounts is for namespaces_kill_rest() after its end. */
int launch(const struct monitor_options *o, const struct winsize *size, struct launched *ret,
           struct err *err);

/* Whom root emulation's supervisor serves. */
struct supervised {
    const struct sandbox *sandbox;
    uint64_t caps;
    int init_fd; /* a pidfd of the container's init, or -1: l->init is it */
};

/* `servers`: a channel to each of l->servers. Listens to init, or what joins a container
 * (runtime/exec.c), until it has executed the command, and starts root emulation's supervisor when
 * it is asked for; `msg` is room for a message. */
struct channel_msg;
int launch_follow(int channel, const int *servers, const struct winsize *size,
                  const struct supervised *who, struct launched *l, struct channel_msg *msg,
                  struct err *err);

/* Kills and collects l->init, if there is one. */
void launch_kill(struct launched *l);

/* Ends the network, the guard, and the supervisor when all that it could serve is gone, and waits
 * for the end of the servers, which comes by itself when their mounts are gone; after 5 s, or
 * `at_once`, they are killed. */
void launch_wait_server(struct launched *l, bool at_once);
