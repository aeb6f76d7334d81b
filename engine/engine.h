/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands mean, without printing: the one composer of the folders below. */
#pragma once

#include "base/err.h"
#include "base/strv.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Adds the full references that registries.conf (`path`, NULL: where podman finds it) has for a
 * short name, best first. */
typedef int (*name_candidates_fn)(const char *path, const char *name, struct strv *ret,
                                  struct err *err);

struct engine {
    struct store store;
    name_candidates_fn name_candidates; /* or NULL */
    const char *registries_conf;        /* the one to read; NULL: where podman finds it. Borrowed */
    /* Takes what the user should know although it is no error, a sentence without an end. NULL:
     * nobody listens. */
    void (*warn)(const char *text);
};

static inline void engine_warn(const struct engine *e, const char *text)
{
    if (text && e->warn)
        e->warn(text);
}

struct engine_options {
    const char *root, *runroot;      /* --root, --runroot; NULL: store/store.h's defaults */
    const struct strv *image_stores; /* --imagestore */
    name_candidates_fn name_candidates;
};

int engine_open(const struct engine_options *o, struct engine *ret, struct err *err);
void engine_close(struct engine *e);
