/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames of a container may go to libslirp.
 *
 * libslirp maps addresses of its networks to the host's loopback, passes the host's own ones
 * (127.0.0.0/8, 0.0.0.0, ::, ::1, ::ffff:127.0.0.1) on to connect(2) as they are, and takes any
 * port of its name server's address to the host's resolver, which often is on the loopback. A
 * process that may send raw frames can ask for all of these, so the rule is enforced on frames. */
#pragma once

#include "netns/config.h"

#include <stddef.h>

/* `frame`: n bytes as the tap gave them; hostile. */
bool frame_allowed(const struct netns_config *c, const uint8_t *frame, size_t n);
