/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a new container. */
#pragma once

#include "engine/container.h"
#include "spec/image.h"

/* From the options and the image's VOLUMEs to "Mounts" of config.json (docs/formats.md). A new
 * reference. Sources are looked up; nothing is made. */
int create_mounts(struct engine *e, const struct create_mount_options *o,
                  const struct image_run_config *image, json_t **ret, struct err *err);
