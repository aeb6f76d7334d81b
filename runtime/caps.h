/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities of the container's command. */
#pragma once

#include "base/err.h"

#include <stdint.h>

/* Drops from the bounding set what is not in `keep`. Needs CAP_SETPCAP. */
int caps_drop_bounding(uint64_t keep, struct err *err);

/* Sets effective and permitted to `keep` (of what the process has), inheritable and ambient to
 * nothing (CVE-2022-27649). */
int caps_set(uint64_t keep, struct err *err);

/* Makes capabilities that the process has inheritable and ambient: they survive the exec of a user
 * that is not root. */
int caps_set_ambient(uint64_t set, struct err *err);
