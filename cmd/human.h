/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations and commands as lists show them, in podman's words. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/* Enough for any size or duration. */
#define HUMAN_MAX 48

/* "11.3 kB": three digits, powers of 1000. `gap` stands between number and unit: " " in images, ""
 * in ps and system df. Returns `out`. */
const char *human_size(uint64_t bytes, const char *gap, char out[static HUMAN_MAX]);

/* The same with four digits: "769.1kB", as podman's system df and image tree. */
const char *human_size_long(uint64_t bytes, const char *gap, char out[static HUMAN_MAX]);

/* "5 minutes", "About an hour", "2 weeks". A negative duration (a clock that was set back) is less
 * than a second. Returns `out`. */
const char *human_duration(int64_t seconds, char out[static HUMAN_MAX]);

/* "5 minutes ago". */
const char *human_ago(int64_t seconds, char out[static HUMAN_MAX]);

/* Appends the first 17 characters of `command` and "..." when it is longer. */
void human_command(const char *command, struct buf *out);
