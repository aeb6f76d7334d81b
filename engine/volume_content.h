/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes as tars. Part of wherry-image only. */
#pragma once

#include "engine/engine.h"

/* Writes what is in the volume as a tar, with the owners that a container sees, to `output` (NULL:
 * standard output). Containers may use it meanwhile. */
int volume_export(struct engine *e, const char *name, const char *output, struct err *err);

/* Unpacks a tar, plain or compressed, into the volume, over what is there. `input` NULL: standard
 * input. Nothing in it leads out of the volume, whatever containers do there meanwhile. */
int volume_import(struct engine *e, const char *name, const char *input, struct err *err);
