/* SPDX-License-Identifier: Apache-2.0 */
/* Random identifiers of containers and temporary names. */
#pragma once

#include <stdbool.h>

#define ID_HEX_LEN   64 /* a full id, as podman's and docker's */
#define ID_SHORT_LEN 12 /* what lists show */

/* 256 random bits as 64 lower-case hex digits and a NUL. Aborts when the kernel gives no
 * randomness. Never all digits in its first 12 places, so a short id is no number. */
void id_random(char out[static ID_HEX_LEN + 1]);

/* True for 1 to 64 lower-case hex digits. */
bool id_is_prefix(const char *s);
