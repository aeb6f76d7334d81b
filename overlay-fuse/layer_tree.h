/* SPDX-License-Identifier: Apache-2.0 */
/* What layer.c asks of a layer that is a directory. */
#pragma once

#include "overlay-fuse/layer.h"

void layer_tree_close(struct layer *l);
bool layer_tree_is_opaque(const struct layer *l, uint32_t dir);
uint64_t layer_tree_ino(const struct layer *l, uint32_t inode);
int layer_tree_root(const struct layer *l);
