/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands mean, without printing: the one composer of the folders below. */
#pragma once

#include "base/err.h"
#include "base/strv.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct engine {
    struct store store;
};

struct engine_options {
    const char *root, *runroot;      /* --root, --runroot; NULL: store/store.h's defaults */
    const struct strv *image_stores; /* --imagestore */
};

int engine_open(const struct engine_options *o, struct engine *ret, struct err *err);
void engine_close(struct engine *e);
