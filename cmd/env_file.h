/* SPDX-License-Identifier: Apache-2.0 */
/* --env-file and --label-file. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

/* The assignments of all files, then those that were given themselves, which win; appended. `flag`
 * names the files in messages. */
int env_collect(const char *flag, const struct strv *files, const struct strv *given,
                struct strv *ret, struct err *err);
