/* SPDX-License-Identifier: Apache-2.0 */
/* Starting wherry-netns, the helper of a container's private network.
 *
 * Theory of operation. Three take part, over two channels:
 *
 *   monitor              helper               init, in the new network namespace
 *   NETNS_CONFIG   --->  starts the port process (ports.h), gives up its power
 *                             <------------   NETNS_TAP: tap0, made and set up, with the user and
 *                                             network namespaces
 *                        serves
 *                             ------------>   NETNS_READY: struct err (code 0: it serves)
 *   keeps its end                             before it executes the command
 *
 * The helper ends when the monitor's end is closed, when the device is gone with its namespace, and
 * is killed with the monitor. Nobody sleeps for anything: what init sends before the helper is
 * there waits in the socket, and packets in the device. */
#pragma once

#include "netns/ports.h"

#include <sys/types.h>

/* NETNS_CONFIG is a struct netns_config and any number of struct netns_port behind it. */
enum { NETNS_CONFIG = 1, NETNS_TAP, NETNS_READY };

/* The descriptors of NETNS_TAP. */
enum { NETNS_FD_TAP, NETNS_FD_USER, NETNS_FD_NET, NETNS_FDS };

/* Starts the helper, which publishes `ports` (at most NETNS_PORTS_MAX). `inside`: its end of the
 * channel to init; borrowed. *ret_control: the monitor's end, to be kept. Returns the helper's
 * pid. */
pid_t netns_client_start(const struct netns_config *c, const struct netns_port *ports,
                         size_t n_ports, int inside, int *ret_control, struct err *err);

/* In init, before it leaves the host's tree and its first ids: makes tap0 and hands it over.
 * `channel`: init's end. */
int netns_client_enter(const struct netns_config *c, int channel, struct err *err);

/* In init: waits until the network is served. */
int netns_client_wait(int channel, struct err *err);
