/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted at runroot/KIND/<id>/root, for images and containers.
 *
 * /proc/self/mountinfo says so: a server that hangs is never asked. */
#pragma once

#include "engine/engine.h"

#define OVERLAY_MOUNTS_IMAGES     "images"
#define OVERLAY_MOUNTS_CONTAINERS "mounts"

struct overlay_mount {
    char *id;   /* of the image or the container */
    char *path; /* where it is mounted */
};

struct overlay_mounts {
    struct overlay_mount *v;
    size_t n;
};
void overlay_mounts_done(struct overlay_mounts *m);
int overlay_mounts_list(struct engine *e, const char *kind, struct overlay_mounts *ret,
                        struct err *err);
/* *ret_path (or NULL) is allocated. */
bool overlay_mounts_find(struct engine *e, const char *kind, const char *id, char **ret_path);
/* Two at once would mount one over the other. Returns the fd to close. */
int overlay_mounts_lock(struct engine *e, const char *kind, struct err *err);

DEFINE_AUTO(overlay_mounts, overlay_mounts_done)
