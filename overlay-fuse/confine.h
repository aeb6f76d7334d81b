/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what a container's server does not need. */
#pragma once

#include "base/err.h"

/* For good: no privilege by exec, no capability, and only the system calls that serving takes; any
 * other is EPERM. To be called when everything is open. */
int confine(struct err *err);
