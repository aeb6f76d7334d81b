/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for the network. */
#pragma once

#include "engine/create_network.h"

/* The member `network` of struct container_values is a struct network_options. */
#define NETWORK_OPTION_ROWS                                                                        \
    OPT_STRING_ROW(0, "mac-address", container_values, network.mac_address, "ADDRESS",             \
                   "MAC address of the container's network device"),                               \
        OPT_STRING_ROW(0, "network", container_values, network.mode, "MODE",                       \
                       "Network: private (the default), slirp4netns:OPTIONS, none, host, "         \
                       "container:NAME or ns:PATH")

/* What is asked for; where nothing is and this user cannot have a network, that is said on stderr
 * and none is asked for. */
struct network_options network_options(const struct network_options *given);
