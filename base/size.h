/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes as people write them. */
#pragma once

#include <stdint.h>

/* "65536", "64k", "64kb", "64KiB", "1.5g": units of 1024, b k m g t p, any case. 0, -EINVAL, or
 * -ERANGE beyond 2^63 - 1. */
int size_parse(const char *text, uint64_t *ret);
