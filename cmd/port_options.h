/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for ports. */
#pragma once

#include "engine/create_ports.h"

/* For the member `ports`, a struct port_options, of struct container_values. */
#define PORT_OPTION_ROWS                                                                           \
    OPT_LIST_ROW(0, "expose", container_values, ports.expose, "PORT[-PORT][/PROTOCOL]",            \
                 "Say that the container has something to offer there"),                           \
        OPT_LIST_ROW('p', "publish", container_values, ports.publish,                              \
                     "[[IP:][HOSTPORT]:]PORT[/PROTOCOL]",                                          \
                     "Make a port of the container one of the machine's"),                         \
        OPT_BOOL_ROW('P', "publish-all", container_values, ports.publish_all,                      \
                     "Publish all ports that are exposed, as ports that are free")

/* What is left of them with that --network: one that has no network of its own publishes nothing,
 * which is said as a warning, as podman does. Points into `v`. */
const struct port_options *port_options(const struct port_options *v, const char *network);
