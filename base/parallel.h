/* SPDX-License-Identifier: Apache-2.0 */
/* One loop on all processors. */
#pragma once

#include <stddef.h>

/* From how many rounds on threads are worth their start. */
#define PARALLEL_MIN 64

/* Calls one(arg, i) for each i < n, each once, in no order; of many rounds, on all processors that
 * we may use, and the caller's thread takes part. All are done, and no thread is left, on return.
 * `one` works on what belongs to i alone. Cannot fail: without threads it is a plain loop. */
void parallel_for(size_t n, void (*one)(void *arg, size_t i), void *arg);
