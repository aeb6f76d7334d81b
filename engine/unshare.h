/* SPDX-License-Identifier: Apache-2.0 */
/* `unshare`: a command of the host in a user namespace as containers have it. */
#pragma once

#include "engine/engine.h"

/* Executes the command, or without one the user's shell, and returns only on failure:
 * ERR_NO_COMMAND or ERR_NOT_EXEC when it is the command's. It finds the store by the environment,
 * although it is root. */
int engine_unshare(struct engine *e, const struct strv *command, struct err *err);
