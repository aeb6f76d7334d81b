/* SPDX-License-Identifier: Apache-2.0 */
/* From Config and HostConfig to what a container finds around it: what
 * engine/create_environment.h wrote. */
#pragma once

#include "engine/sandbox_config.h"

/* Fills the sandbox and adds the mount of the time zone. */
int sandbox_environment_read(struct sandbox_config *config, const json_t *document,
                             struct err *err);
