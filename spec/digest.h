/* SPDX-License-Identifier: Apache-2.0 */
/* Content digests: "sha256:" and 64 lower-case hex digits. Only sha256 is accepted: it is what
 * every registry uses, and a second algorithm would be a second way in. */
#pragma once

#include <stdbool.h>

#define DIGEST_HEX_LEN 64
#define DIGEST_LEN     (7 + DIGEST_HEX_LEN)

/* True for exactly "sha256:<64 lower-case hex>": so also safe as a file name. */
bool digest_valid(const char *s);
/* The hex part of a valid digest. */
const char *digest_hex(const char *digest);
