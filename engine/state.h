/* SPDX-License-Identifier: Apache-2.0 */
/* state.json: how a process is written there and read back (engine/container.h). */
#pragma once

#include "base/file.h"
#include "base/proc.h"

#include <jansson.h>

/* {"Pid": 1, "StartTime": 2, "BootId": "..."}; new reference. */
json_t *state_process(const struct proc_id *id);
/* Reads state[key]; a missing or malformed one gives pid 0, which is never alive. */
void state_get_process(const json_t *state, const char *key, struct proc_id *ret);
int64_t state_get_int(const json_t *state, const char *key);
/* The named time, or zero. */
struct timespec state_get_time(const json_t *state, const char *key);
