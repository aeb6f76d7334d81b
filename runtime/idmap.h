/* SPDX-License-Identifier: Apache-2.0 */
/* Id maps: parsing /etc/subuid and /etc/subgid, and giving a user namespace its maps. */
#pragma once

#include "base/err.h"
#include "runtime/sandbox.h"

#include <sys/types.h>

/* The ranges that lines "NAME-OR-ID:START:COUNT" of `text` give to the user: `outside` and `count`
 * are filled, `inside` continues from *n's ranges, of which there are already some. Lines that
 * are not well formed and empty ranges are skipped, as newuidmap does; a range given twice counts
 * once. Too many ranges, an overflow or an overlap is an error. */
int id_ranges_parse(const char *text, const char *file, const char *name, uint32_t id,
                    struct id_range *ranges, size_t max, size_t *n, struct err *err);

/* The id that `inside` is outside, or -1 when it is not mapped. */
int64_t id_map_outside(const struct id_range *ranges, size_t n, uint32_t inside);

/* Gives the user namespace of the waiting process `pid` its maps. */
int userns_write_maps(pid_t pid, const struct id_maps *maps, struct err *err);

/* Why a user namespace could not be made (or has no power), with the sysctl or profile to blame. */
int userns_explain(int code, struct err *err);
