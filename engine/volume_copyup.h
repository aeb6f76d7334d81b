/* SPDX-License-Identifier: Apache-2.0 */
/* The first use of a volume: what the image has in its place is copied into it. */
#pragma once

#include "engine/root.h"
#include "engine/sandbox_config.h"

/* Before a container starts: every volume of it is there, and those that no container used so far
 * get what the container's root has in their place, with its owners as the sandbox's ids have them.
 * Those with options (engine/volume_options.h) get the mounts of `config` that these name. */
int volumes_prepare(struct store *s, const json_t *container, const struct root *root,
                    struct sandbox_config *config, struct err *err);
