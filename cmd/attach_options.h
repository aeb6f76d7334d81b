/* SPDX-License-Identifier: Apache-2.0 */
/* Following a container in the foreground, as `run` and `start -a` do. */
#pragma once

#include "cmd/command.h"
#include "store/store.h"

#include <stdbool.h>

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

/* Copies between our terminal and the container until it ends or the user detaches; sets
 * in->exit_status. Takes the channel over. `interactive`: our stdin goes to the container. */
int attach_foreground(struct invocation *in, const struct store_container *c, int channel,
                      bool interactive, bool proxy_signals, const char *detach_keys,
                      struct err *err);
