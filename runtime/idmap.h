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

/* The id that `outside` is inside, or -1 when it is not mapped. */
int64_t id_map_inside(const struct id_range *ranges, size_t n, uint32_t outside);
/* The id that `inside` is outside, or -1 when it is not mapped. */
int64_t id_map_outside(const struct id_range *ranges, size_t n, uint32_t inside);

/* The id that makes what has to be made inside: 0, or the first that is mapped. */
uint32_t id_map_owner(const struct id_range *ranges, size_t n);

/* --userns=keep-id: the user has these ids inside, and the subordinate ids are around them. */
int id_maps_keep(const struct id_maps *base, uint32_t uid, uint32_t gid, struct id_maps *ret,
                 struct err *err);
/* --userns=nomap: the subordinate ids alone, from 0. */
int id_maps_without_user(const struct id_maps *base, struct id_maps *ret, struct err *err);
/* --uidmap, --gidmap: "CONTAINER:INTERMEDIATE[:COUNT]", where 0 is the user and 1... the
 * subordinate ids; one of the lists, when the other is empty, stands for both. Overlaps, what is
 * empty and what the user has not are errors. */
int id_maps_listed(const struct id_maps *base, const struct strv *uids, const struct strv *gids,
                   struct id_maps *ret, struct err *err);

/* The second step of all these (idmap_modes.c): `lines` whose `outside` is an intermediate id, to
 * what they are outside. `what` begins messages; `ret` has room for ID_RANGES_MAX. */
int id_ranges_compose(const char *what, const struct id_range *lines, size_t n,
                      const struct id_range *base, size_t n_base, struct id_range *ret,
                      size_t *ret_n, struct err *err);

/* --userns=auto: the first of `size` intermediate ids from 1 to `limit` (exclusive) that no range
 * of `used` has (by its `outside`); false: there are none. */
bool id_ranges_free(const struct id_range *used, size_t n_used, uint64_t limit, uint32_t size,
                    uint32_t *ret);

/* Gives the user namespace of the waiting process `pid` its maps. */
int userns_write_maps(pid_t pid, const struct id_maps *maps, struct err *err);

/* Why a user namespace could not be made (or has no power), with the sysctl or profile to blame. */
int userns_explain(int code, struct err *err);
