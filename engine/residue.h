/* SPDX-License-Identifier: Apache-2.0 */
/* What starting a container leaves in its writable directory without anybody having asked for it.
 */
#pragma once

#include "overlay-fuse/core.h"

#include <stdbool.h>

/* True for a mount point that the runtime made because the image lacked it (an empty /proc or
 * /etc/hosts...): such an entry does not belong into a layer. For struct content_changes. `arg` is
 * the list of the container's secrets (engine/create_secrets.h), borrowed, or NULL. */
bool residue_skip(void *arg, const struct overlay_change *c);
