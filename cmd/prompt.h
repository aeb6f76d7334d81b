/* SPDX-License-Identifier: Apache-2.0 */
/* Questions at the terminal. */
#pragma once

#include "base/err.h"

/* Asks on stderr, reads a line from stdin. The caller frees. */
int prompt_line(const char *question, char **ret, struct err *err);
/* The same without echo; stdin has to be a terminal. The caller gives it to prompt_forget(). */
int prompt_secret(const char *question, char **ret, struct err *err);
/* Wipes and frees. */
void prompt_forget(char *secret);
