/* SPDX-License-Identifier: Apache-2.0 */
/* `volume mount`: what a volume's options name as a directory, for `wherry unshare`.
 *
 * Theory of operation. It is mounted over _data, in the caller's mount namespace alone, and goes
 * with it. What containers get has nothing to do with it: they mount for themselves. A plain volume
 * is mounted always. */
#pragma once

#include "engine/engine.h"

/* *ret_path is allocated. -EPERM where nothing may be mounted. One that is mounted stays so. */
int volume_mount(struct engine *e, const char *name, char **ret_path, struct err *err);
/* *ret_name is allocated. One that is not mounted is no error. */
int volume_unmount(struct engine *e, const char *name, char **ret_name, struct err *err);
/* Before a volume is removed: nothing of what is mounted there may be. */
void volume_mount_drop(const struct store_volume *v);
