/* SPDX-License-Identifier: Apache-2.0 */
/* Trees by descriptor, for the container's init: never by a path, never through a link. */
#pragma once

#include "base/err.h"

#include <sys/types.h>

/* Copies what is in the directory `from` into the directory `to` (O_PATH is enough), with owners,
 * modes, times, hard links and extended attributes as far as they can be had here. Devices that
 * may not be made are left out. */
int tree_copy(int from, int to, struct err *err);

/* Gives the object `fd` (O_PATH is enough) and everything in it to this owner, on its own file
 * system only. What has that owner already is left alone. */
int tree_chown(int fd, uid_t uid, gid_t gid, struct err *err);
