/* SPDX-License-Identifier: Apache-2.0 */
/* The first use of a volume: what the image has in its place is copied into it. */
#pragma once

#include "engine/root.h"
#include "runtime/sandbox.h"

/* Before a container starts: every volume of it is there, and those that no container used so far
 * get what the container's root has in their place, with its owners as `ids` has them. */
int volumes_prepare(struct store *s, const json_t *container, const struct root *root,
                    const struct id_maps *ids, struct err *err);
