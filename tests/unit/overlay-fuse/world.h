/* SPDX-License-Identifier: Apache-2.0 */
/* A stack of layers and a writable directory for one test, and what is to be seen of them as text.
 */
#pragma once

#include "base/buf.h"
#include "overlay-fuse/core.h"
#include "tests/unit/overlay-fuse/tar_make.h"

#define WORLD_LAYERS 8

struct world {
    char path[64]; /* of a directory of its own: upper/, work/, N.tar, N.index */
    int fd;
    char *upper, *work;
    struct overlay_layer_files layers[WORLD_LAYERS]; /* topmost first */
    struct overlay_options options;
    struct overlay *ov;
};

void world_init(struct world *w, bool prefix_whiteouts);
/* Attributes are kept as where the file system has none. Before the first world_open(). */
void world_keep_journal(struct world *w);
void world_done(struct world *w);
/* Puts a layer on top. */
void world_layer(struct world *w, const struct tar_entry *entries, size_t n);
void world_open(struct world *w);
void world_close(struct world *w);

/* Every name with what stat and read say, one line each; fails the test when something cannot be
 * read. */
char *world_view(struct world *w);
/* What overlay_changes() reports, one line each. */
char *world_changes(struct world *w);
