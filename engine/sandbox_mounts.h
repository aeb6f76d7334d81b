/* SPDX-License-Identifier: Apache-2.0 */
/* From "Mounts" of config.json to the sandbox's mounts. */
#pragma once

#include "engine/root.h"
#include "engine/sandbox_config.h"

/* Adds those of c->config and the container's own files (engine/network_files.h), where nobody
 * mounted something over them. */
int sandbox_mounts_read(struct sandbox_config *config, const struct store *s,
                        const struct store_container *c, struct err *err);
/* Adds the images that are mounted to `root`, numbered as in the sandbox. */
int sandbox_mounts_images(struct root *root, struct store *s, const struct store_container *c,
                          struct err *err);
/* In a container's directory: the changes of mounts with the option O and of writable images, which
 * end with the run. */
#define SCRATCH_DIR "scratch"
/* Makes it anew before a start, when a mount wants it. */
int sandbox_mounts_scratch(struct store *s, const struct sandbox_config *config,
                           const struct store_container *c, struct err *err);
/* Sorts all mounts so that what lies inside another comes after it. The last step. */
void sandbox_mounts_order(struct sandbox_config *config);
