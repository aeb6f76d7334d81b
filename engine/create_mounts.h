/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a new container. */
#pragma once

#include "engine/container.h"
#include "spec/image.h"

/* From the options and the image's VOLUMEs to "Mounts" of config.json (docs/formats.md). A new
 * reference. Sources are looked up; nothing is made. */
int create_mounts(struct engine *e, const struct create_mount_options *o,
                  const struct image_run_config *image, json_t **ret, struct err *err);

/* Makes the volumes of a container's document that are missing. They may be removed again until the
 * container is there, so this may be needed more than once. */
int create_mounts_volumes(struct engine *e, const json_t *container, struct err *err);
