/* SPDX-License-Identifier: Apache-2.0 */
/* Asking before something is removed. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

/* Prints `warning` and podman's question on standard output and reads a line: *ret is true for an
 * answer that begins with y or Y. The end of the input (no terminal, nobody there) is an error. */
int confirm(const char *warning, bool *ret, struct err *err);
