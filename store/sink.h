/* SPDX-License-Identifier: Apache-2.0 */
/* What sinks and archives share about growth. */
#pragma once

#include "store/content.h"

/* $WHERRY_LAYER_MAX, or 0. */
int64_t content_configured_max(void);
/* -EFBIG when `size` bytes out of `from` are beyond all measure (spec/limits.h). */
int content_check_growth(int64_t configured, int64_t from, int64_t size, struct err *err);
