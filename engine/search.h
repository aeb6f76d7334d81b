/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for images in registries. Part of wherry-image only. */
#pragma once

#include "engine/access.h"

#include <jansson.h>

struct search_options {
    const char *term;           /* "debian", "quay.io/debian" */
    int limit;                  /* results of each registry */
    const struct strv *filters; /* stars=N, is-official=true, is-automated=false */
    bool tags;                  /* the term is a repository: list its tags */
    const char *registries_conf;
    struct registry_access access;
};

/* Rows with podman's fields: Index, Name, Description, Stars, Official, Automated; or Name and Tag.
 * A registry that does not answer is an error only if no other does. */
int registries_search(const struct search_options *o, json_t **ret, struct err *err);
