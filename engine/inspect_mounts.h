/* SPDX-License-Identifier: Apache-2.0 */
/* What `inspect` shows of a container's mounts. */
#pragma once

#include "engine/engine.h"

/* Turns "Mounts" of config.json in `doc` into podman's: volumes with the path of their data, tmpfs
 * in HostConfig.Tmpfs, and all in HostConfig.Binds in the form of -v. */
void inspect_mounts(struct engine *e, json_t *doc);
