/* SPDX-License-Identifier: Apache-2.0 */
/* Running as a copy of our own program that nobody can write to. */
#pragma once

#include "base/err.h"

/* What enters a running container's namespaces may be made to execute a link to /proc/self/exe by a
 * process there that swaps files in the right moment; then /proc/PID/exe leads to our program, and
 * the container's root, which is the user outside, may write to it if the user may
 * (CVE-2019-5736). So if that is so, this executes a copy in sealed memory, with the same
 * arguments, and does not return. In the copy, or when only others may write to the program, it
 * returns 0. */
int seal_program(char *const *argv, struct err *err);
