/* SPDX-License-Identifier: Apache-2.0 */
/* --userns, --uidmap, --gidmap: the ids of a container. */
#pragma once

#include "engine/create_sandbox.h"
#include "engine/engine.h"
#include "runtime/sandbox.h"

/* Checks the mode and the maps, puts them into HostConfig of `document` ("container:NAME" becomes
 * "container:ID") and, with keep-id and no other user, the user into Config. For "auto" the range
 * is chosen, and *ret_lock keeps others from choosing until it is closed, which the caller does
 * when the container is in the store. */
int create_userns(struct engine *e, const struct sandbox_options *o, json_t *document,
                  int *ret_lock, struct err *err);

/* The maps that HostConfig asks for, of what the user has now. */
int userns_read(const json_t *document, struct id_maps *ret, struct err *err);
