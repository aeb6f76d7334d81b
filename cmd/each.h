/* SPDX-License-Identifier: Apache-2.0 */
/* Doing one thing to several containers named on the command line. */
#pragma once

#include "cmd/command.h"
#include "store/store.h"

/* Calls fn for each name; one that fails does not keep the others from their turn. All errors but
 * the last are printed to stderr as they happen; the last is returned. fn prints the result.
 * `ignore_missing`: a name that nothing has is a success. */
int each_container(struct invocation *in, const struct strv *names, bool ignore_missing,
                   int (*fn)(struct invocation *in, struct store_container *c, const char *name,
                             void *arg, struct err *err),
                   void *arg, struct err *err);

/* For a loop that goes on after an error: prints the one before, if there was one (*result < 0),
 * and keeps this one for main() to print. */
void each_failed(int r, const struct err *one, int *result, struct err *err);

/* The newest container's id, appended. */
int each_latest(struct invocation *in, struct strv *ret, struct err *err);
