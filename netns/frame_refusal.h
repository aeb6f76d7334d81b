/* SPDX-License-Identifier: Apache-2.0 */
/* What a container hears of a frame that may not pass.
 *
 * A connect to a closed address would wait for minutes if its frames only went missing. So it is
 * told what a machine says on whose port nobody listens: a reset for TCP, "port unreachable" for
 * UDP. */
#pragma once

#include "netns/config.h"

#include <stddef.h>

/* Ethernet, IP, ICMP, and of what is refused the headers of IP and UDP, by which its socket is
 * found: of IPv6, or of IPv4 with as many options as there can be. */
#define FRAME_REFUSAL_MAX (14 + 40 + 8 + 40 + 8)

/* The answer to `frame`, of n bytes, that frame_allowed() did not let pass; hostile. Returns its
 * length; 0: to this one there is none, as what was sent to many, in pieces or to an address that
 * no other machine can have, and a reset, are never answered. */
size_t frame_refusal(const struct netns_config *c, const uint8_t *frame, size_t n,
                     uint8_t ret[static FRAME_REFUSAL_MAX]);
