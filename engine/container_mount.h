/* SPDX-License-Identifier: Apache-2.0 */
/* `mount`: the root file system of a container that does not run, as a directory.
 *
 * Theory of operation. Owners in it are those of the container only where its ids are, so it is
 * mounted in `wherry unshare` (or by root), at runroot/mounts/<id>/root. The mount lives in that
 * mount namespace, and goes with it. Its server must not keep the namespace: it has one of its own,
 * a copy from before the mount. A container is started or mounted: the lock of its writable layer
 * sees to that. */
#pragma once

#include "engine/container.h"

/* One that is mounted here stays as it is; one that runs is -EBUSY, and without power over mounts
 * -EPERM. *ret_path is allocated. */
int container_mount(struct engine *e, struct store_container *c, char **ret_path, struct err *err);

/* The container is removed: its place goes, and with it what others have mounted there. */
void container_mount_forget(struct engine *e, const struct store_container *c);

/* `force`: also while files of it are open. *ret_was (or NULL): it was mounted here. */
int container_unmount(struct engine *e, const struct store_container *c, bool force, bool *ret_was,
                      struct err *err);
