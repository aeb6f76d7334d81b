/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be there before anything runs in a container's sandbox. */
#pragma once

#include "engine/container.h"
#include "engine/root.h"
#include "engine/sandbox_config.h"

/* Reads the sandbox, collects the root's files and writes those that are bound into it. The caller
 * holds the life-cycle lock, and releases both results also after a failure. */
int container_prepare(struct engine *e, struct store_container *c, struct sandbox_config *config,
                      struct root *root, struct err *err);
