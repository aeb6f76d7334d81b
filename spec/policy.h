/* SPDX-License-Identifier: Apache-2.0 */
/* policy.json (containers-policy.json(5)): which registries' images may be used. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "spec/reference.h"

#include <jansson.h>

struct policy {
    json_t *json; /* NULL: there is no such file, and everything may be used */
    char *path;   /* of the file, for messages; may be NULL */
};

void policy_done(struct policy *p);

/* Takes a document that was read; a reference to it is kept. -EINVAL for whatever it has that
 * nobody knows: a slip in a rule must not open a door. */
int policy_parse(json_t *json, struct policy *ret, struct err *err);

/* Reads ~/.config/containers/policy.json, else /etc/containers/policy.json. */
int policy_load(struct policy *ret, struct err *err);

/* Whether an image of this name may be pulled. -EACCES: it is rejected, or a signature is asked
 * for, which we cannot verify. */
int policy_check(const struct policy *p, const struct image_ref *ref, struct err *err);

DEFINE_AUTO(policy, policy_done)
