/* SPDX-License-Identifier: Apache-2.0 */
/* --ulimit NAME=SOFT[:HARD]. */
#pragma once

#include "base/err.h"

#include <stdint.h>

struct ulimit {
    int resource;       /* RLIMIT_NOFILE... */
    int64_t soft, hard; /* -1: as far as it goes */
};

/* "nofile", or "?" when the resource has no name here. */
const char *ulimit_name(int resource);
/* "RLIMIT_NOFILE" or "nofile", any case; -1 when there is none. */
int ulimit_resource(const char *name);

/* Parses one; a missing hard limit is the soft one. ERR_USAGE. */
int ulimit_parse(const char *text, struct ulimit *ret, struct err *err);
