/* SPDX-License-Identifier: Apache-2.0 */
/* --restart: whether and when a container that ended is started again. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

/* no, always, unless-stopped, on-failure or on-failure:TIMES as HostConfig.RestartPolicy. *ret is a
 * new reference. Anything else is ERR_USAGE. */
int restart_policy_parse(const char *text, json_t **ret, struct err *err);

/* Of one run of the monitor. */
struct restart_history {
    int64_t count; /* how often it was started again */
    int64_t delay; /* ms before the last of these */
};

/* It ended with `exit_code` after `lived` ms: ms until it is to be started again, or -1. Docker's
 * back-off: 100 ms, doubled each time up to a minute; who lived for 10 s begins anew. */
int64_t restart_policy_next(const json_t *policy, int exit_code, int64_t lived,
                            struct restart_history *h);
