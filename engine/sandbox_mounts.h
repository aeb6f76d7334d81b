/* SPDX-License-Identifier: Apache-2.0 */
/* From "Mounts" of config.json to the sandbox's mounts. */
#pragma once

#include "engine/sandbox_config.h"

/* Adds those of c->config and the container's own files (engine/network_files.h), where nobody
 * mounted something over them. */
int sandbox_mounts_read(struct sandbox_config *config, const struct store_container *c,
                        struct err *err);
/* Sorts all mounts so that what lies inside another comes after it. The last step. */
void sandbox_mounts_order(struct sandbox_config *config);
