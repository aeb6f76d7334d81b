/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Linux capabilities, and the sets that --cap-add and --cap-drop ask for. A set is a mask
 * with bit N for the capability of number N. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <stdint.h>

/* All that have a name here. */
uint64_t capability_all(void);

/* Appends the names as they are kept: in capitals, with CAP_, "ALL" as it is, each once. An
 * unknown name is ERR_USAGE, in podman's words. */
int capability_normalise(const struct strv *names, struct strv *ret, struct err *err);

/* The set of normalised names; "ALL" is capability_all(). Unknown names count nothing. */
uint64_t capability_set(const struct strv *names);

/* `base` without `drop` and with `add` (normalised names). As in podman: "ALL" first, then single
 * names; one in both, or "ALL" in both, is ERR_USAGE. */
int capability_merge(uint64_t base, const struct strv *add, const struct strv *drop, uint64_t *ret,
                     struct err *err);

/* Appends the names of a set, sorted. */
void capability_list(uint64_t set, struct strv *ret);
