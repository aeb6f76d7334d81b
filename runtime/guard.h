/* SPDX-License-Identifier: Apache-2.0 */
/* Ends what a container leaves when its monitor was killed.
 *
 * Theory of operation. A container with a PID namespace of its own is over when its init is, and
 * init dies with the monitor. Where the PID namespace is another container's or the machine's, the
 * rest is known by the mount namespace that it shares, and killing it is the monitor's work. So the
 * monitor of such a container has a child, which holds that mount namespace and waits for the
 * monitor's death by its pidfd: a number of a namespace alone could mean another one by then. The
 * monitor ends the child before it looks whether the container is gone. */
#pragma once

#include "base/err.h"

#include <sys/types.h>

/* Called by the monitor; `mounts` (namespaces_hold_mounts()) stays the caller's. Returns the pid to
 * end and collect, or a negative errno. */
pid_t guard_start(int mounts, struct err *err);
