/* SPDX-License-Identifier: Apache-2.0 */
/* One character of UTF-8 text; a byte that is none counts as a character of its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The length in bytes of the character at `s` (not at its end); *ret_code is its number, or the
 * byte's value plus 0x110000 where it is no UTF-8. */
size_t utf8_next(const char *s, uint32_t *ret_code);
