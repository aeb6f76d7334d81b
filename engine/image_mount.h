/* SPDX-License-Identifier: Apache-2.0 */
/* `image mount`: images as read-only directories of the host.
 *
 * Theory of operation. A mount is runroot/images/<id>/root with a server of overlay-fuse behind it,
 * which runs on its own until the mount goes; fusermount3, which is setuid, mounts for a user
 * without privilege. The server has its tars open, so nothing that happens to the store changes
 * what is seen. A reboot takes the mounts; directories that it leaves are used again or removed. */
#pragma once

#include "engine/overlay_mounts.h"

/* Whether the image with this id is mounted. */
bool image_is_mounted(struct engine *e, const char *id);

/* Mounts; one that is mounted stays as it is. *ret_path is allocated. */
int image_mount(struct engine *e, const struct store_image *image, char **ret_path,
                struct err *err);
/* Unmounts the image with this id; `force`: also while files of it are open. *ret_was: it was
 * mounted. */
int image_unmount(struct engine *e, const char *id, bool force, bool *ret_was, struct err *err);
