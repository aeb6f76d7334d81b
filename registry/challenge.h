/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate (RFC 9110, 11.6.1): what a server wants to let somebody in. Untrusted text. */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define CHALLENGES_MAX 8

struct challenge {
    char *scheme;                          /* in lower case: "bearer", "basic" */
    char *realm, *service, *scope, *error; /* NULL when not given */
};

struct challenges {
    struct challenge v[CHALLENGES_MAX];
    size_t n;
};

/* Adds the challenges of one header's value; false when it is not well-formed: what stood before
 * the fault is kept. Further ones than CHALLENGES_MAX are left out. */
bool challenges_parse(const char *value, struct challenges *ret);
void challenges_done(struct challenges *c);
/* The first of that scheme, or NULL. */
const struct challenge *challenges_find(const struct challenges *c, const char *scheme);

DEFINE_AUTO(challenges, challenges_done)
