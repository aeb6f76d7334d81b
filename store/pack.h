/* SPDX-License-Identifier: Apache-2.0 */
/* A tar of an overlay: of what changed, or of all. */
#pragma once

#include "store/content.h"

/* Hands the tar's bytes to `write`. `layer`: it is to be one, so what no layer can hold is an
 * error. *ret_any: there was an entry. */
int pack_tar(const struct content_changes *changes, bool layer, content_write_fn write, void *arg,
             bool *ret_any, struct err *err);
