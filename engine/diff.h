/* SPDX-License-Identifier: Apache-2.0 */
/* `diff`: what a container or an image changed. */
#pragma once

#include "engine/engine.h"

enum diff_of { DIFF_ANY, DIFF_CONTAINER, DIFF_IMAGE };

/* What `name` (a container, else an image; or only one of them by `of`) has changed against
 * `against`, another of them; NULL: a container against its image, an image against the same
 * without its top layer. Calls fn for each path, sorted by path; `kind` is 'A', 'C' or 'D'. Nothing
 * is mounted. A container against its image costs what it changed; everything else compares trees,
 * and a container in such a comparison must not run. */
int object_diff(struct engine *e, enum diff_of of, const char *name, const char *against,
                void (*fn)(void *arg, char kind, const char *path), void *arg, struct err *err);
