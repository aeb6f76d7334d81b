/* SPDX-License-Identifier: Apache-2.0 */
/* Images by what a user calls them. */
#pragma once

#include "engine/engine.h"

/* The image in the store that `name` stands for: by itself (store_image_find()), else as
 * registries.conf reads a short name (aliases, other registries than docker.io). *ret_meant (or
 * NULL): which of the image's names that is, borrowed from *ret, NULL when it was found by its id.
 * ERR_NOT_FOUND: "NAME: image not known". */
int image_find(struct engine *e, const char *name, struct store_image *ret, const char **ret_meant,
               struct err *err);

/* Which of the image's names `asked` stands for, by itself or by registries.conf (borrowed); NULL:
 * none. */
const char *image_name_meant(struct engine *e, const struct store_image *image, const char *asked);
