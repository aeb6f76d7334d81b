/* SPDX-License-Identifier: Apache-2.0 */
/* `update`: another restart policy and other limits for a container that is there. */
#pragma once

#include "engine/container.h"
#include "engine/create_resources.h"

struct update {
    json_t *policy; /* engine/restart_policy.h, borrowed; NULL: as it is. Counts from its next end
                       on */
    const struct resource_options *resources;
};

/* Changes config.json, and the cgroup of a container that runs in one. What cannot be had there is
 * told by engine_warn(); a value that the kernel refuses is an error that changes no config.json.
 */
int container_update(struct engine *e, struct store_container *c, const struct update *u,
                     struct err *err);
