/* SPDX-License-Identifier: Apache-2.0 */
/* `info`: the machine, the store, and which features can be used here. */
#pragma once

#include "engine/engine.h"

/* {"host": {...}, "store": {...}, "version": {...}}; new reference. */
int engine_info(struct engine *e, json_t **ret, struct err *err);
