/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again with growing pauses. */
#pragma once

#include "registry/http.h"

struct retry {
    int left;               /* tries that remain */
    int budget;             /* what `left` is after something was achieved */
    int delay, first_delay; /* seconds */
    atomic_bool *cancel;
};

void retry_init(struct retry *t, int tries, int delay, atomic_bool *cancel);
/* Waits before the next try: as long as the server's Retry-After says (at most RETRY_AFTER_MAX
 * seconds), else `delay`, which doubles. False, without waiting, when no try is left or when it was
 * canceled. */
#define RETRY_AFTER_MAX 60
bool retry_wait(struct retry *t, const struct http_response *response);
/* Something was achieved: the count begins anew. */
void retry_progress(struct retry *t);
