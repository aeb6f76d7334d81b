/* SPDX-License-Identifier: Apache-2.0 */
/* libslirp between a container's tap0 and the host's sockets. */
#pragma once

#include "base/cleanup.h"
#include "netns/config.h"

struct slirp_loop;

/* `c` and `tap` (non-blocking) are borrowed and outlive the result. One a process: libslirp has
 * globals. */
int slirp_loop_new(const struct netns_config *c, int tap, struct slirp_loop **ret, struct err *err);
void slirp_loop_free(struct slirp_loop *l);

/* Serves until `control` is at its end or the device is gone. */
void slirp_loop_run(struct slirp_loop *l, int control);

DEFINE_AUTO_PTR(slirp_loop, slirp_loop_free)
