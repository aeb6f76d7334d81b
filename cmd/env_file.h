/* SPDX-License-Identifier: Apache-2.0 */
/* --env-file. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

/* The assignments of all files, then those of --env, which win; appended. */
int env_collect(const struct strv *files, const struct strv *env, struct strv *ret,
                struct err *err);
