/* SPDX-License-Identifier: Apache-2.0 */
/* --init: a process of ours that stays as process 1. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

/* Forks. The child returns 0 and goes on to the command. The parent never returns: it passes
 * signals on to the child, collects every process that ends, and ends as the child does. It holds
 * no descriptor. */
int reaper_start(bool tty, struct err *err);
