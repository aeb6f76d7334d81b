/* SPDX-License-Identifier: Apache-2.0 */
/* --userns=auto: ids that no other container has. */
#pragma once

#include "engine/engine.h"

/* Reads the options behind "auto:", chooses the ids, for the image and the user that are in
 * `document`, and puts IDMappings into its HostConfig. *ret_lock keeps others from choosing until
 * it is closed, which the caller does when the container is in the store. */
int userns_auto(struct engine *e, const char *mode, json_t *document, int *ret_lock,
                struct err *err);
