/* SPDX-License-Identifier: Apache-2.0 */
/* What layer.c asks of a layer that is a directory. */
#pragma once

#include "overlay-fuse/layer.h"

void layer_tree_close(struct layer *l);
bool layer_tree_is_opaque(const struct layer *l, uint32_t dir);
uint64_t layer_tree_ino(const struct layer *l, uint32_t inode);
int layer_tree_root(const struct layer *l);
/* How many descriptors of files it may keep open; none of them may be in use. */
void layer_tree_limit(const struct layer *l, size_t files);
