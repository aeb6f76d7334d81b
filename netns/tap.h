/* SPDX-License-Identifier: Apache-2.0 */
/* The container's end of its private network. */
#pragma once

#include "netns/config.h"

/* Makes tap0 in the current network namespace, with addresses and routes, up and usable when this
 * returns. Needs CAP_NET_ADMIN there, the host's /dev and /proc, and the user's power over
 * /dev/net/tun. Returns its descriptor, which the helper serves: the device lasts as long. */
int netns_tap_make(const struct netns_config *c, struct err *err);

/* addresses.c: of tap0, which is there. */
int netns_addresses_set(const struct netns_config *c, struct err *err);
