/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace for a command of the host. */
#pragma once

#include "base/err.h"
#include "runtime/sandbox.h"

/* Moves this process, which has one thread, into new user and mount namespaces with these maps,
 * as root there. Mounts of the host still arrive; none leaves. */
int unshare_user(const struct id_maps *maps, struct err *err);
