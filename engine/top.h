/* SPDX-License-Identifier: Apache-2.0 */
/* `top`: the processes of a container. */
#pragma once

#include "engine/container.h"

/* What is shown when nothing is asked for. */
extern const char *const top_standard;

/* Appends to *ret a table of cells that are parted by tabs, a line each, with its headings. The
 * descriptors are podman's, also as ps(1) writes them for AIX ("%p"). An unknown one is
 * ERR_NOT_FOUND, a container that does not run -ESRCH. */
int container_top(struct engine *e, struct store_container *c, const struct strv *descriptors,
                  struct buf *ret, struct err *err);
