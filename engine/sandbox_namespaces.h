/* SPDX-License-Identifier: Apache-2.0 */
/* From the modes in HostConfig to the namespaces of a sandbox. */
#pragma once

#include "engine/engine.h"
#include "engine/sandbox_config.h"

/* Which are private, the machine's or to be joined; opens nothing. */
void sandbox_namespaces_read(struct sandbox *sb, const json_t *document);

/* For a start: opens those that are to be joined, and their user namespace, whose id maps become
 * the sandbox's. A container that is named must run. */
int sandbox_namespaces_open(struct sandbox_config *config, struct engine *e, const json_t *document,
                            struct err *err);
