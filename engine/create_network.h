/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a new container, as far as it is its own. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

#include <jansson.h>

/* What the flags of the same names were given with; NULL: the default. */
struct network_options {
    const char *mode; /* --network */
    char *mac_address;
};

/* Checks them and puts "NetworkMode" into `host` (HostConfig), with "NetworkOptions" and
 * "MacAddress", when it is a network of the container's own with a way out (the default); leaves
 * another mode to the caller. */
int create_network(const struct network_options *o, json_t *host, struct err *err);

/* Whether this user can have a private network; `ret_why` says why not. Who has not asked for one
 * is better served by a container that computes without it than by an error: on many clusters the
 * device is closed. */
bool network_is_possible(struct err *ret_why);
