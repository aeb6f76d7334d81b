/* SPDX-License-Identifier: Apache-2.0 */
/* --env of create, run and exec. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

/* --env-merge: sets each NAME=value of `assignments` in `env`, with $NAME and ${NAME} in the value
 * replaced by what `env` has before ("" for what it has not). */
int environment_merge(struct strv *env, const struct strv *assignments, struct err *err);

/* Sets each of `assignments` (may be NULL) in `env`: NAME=value, or NAME alone for our own value,
 * if there is one. */
int environment_assign(struct strv *env, const struct strv *assignments, struct err *err);
