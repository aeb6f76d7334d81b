/* SPDX-License-Identifier: Apache-2.0 */
/* A moment as users write it, for filters as until=10m, and durations as podman prints them. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Parses a duration before `now` ("90s", "1h30m", "1.5h": Go's units ns, us, ms, s, m, h), a count
 * of seconds since the epoch ("1700000000.5") or a date: RFC 3339, or one without a zone, which is
 * UTC, down to "2026-11-25". -EINVAL: `failed to parse value as time or duration: "x"` (podman's
 * words).
 */
int when_parse(const char *text, struct timespec now, struct timespec *ret, struct err *err);

/* Below 0, 0 or above 0, as `a` is before `b`, the same or after it. */
int when_compare(struct timespec a, struct timespec b);
/* The epoch itself stands for no moment. */
bool when_is_set(struct timespec t);
/* For poll(): ms until then, rounded up; 0: it is over; -1: it is not set. */
int when_wait(struct timespec until);
/* ms of the monotonic clock. */
int64_t when_monotonic_ms(void);

/* A duration as above in nanoseconds, "0" too. 0, or -EINVAL, which those beyond 285 years are. */
int duration_parse(const char *text, int64_t *ret);

#define DURATION_MAX 40

/* "1h2m3.5s", "4.093797618s", "20ms", "0s": as Go prints a duration, which is not negative. Returns
 * `out`. */
const char *duration_format(uint64_t nanoseconds, char out[static DURATION_MAX]);
