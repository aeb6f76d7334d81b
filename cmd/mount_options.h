/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for mounts. */
#pragma once

#include "engine/container.h"

/* The member `mount` of struct container_values. */
struct mount_values {
    struct strv volumes, mounts, tmpfs, volumes_from;
    char *image_volume;
};

#define MOUNT_OPTION_ROWS                                                                          \
    OPT_CHOICE_ROW(0, "image-volume", container_values, mount.image_volume, "HOW",                 \
                   "What becomes of the image's volumes: anonymous (the default), tmpfs, ignore",  \
                   "anonymous|bind|tmpfs|ignore"),                                                 \
        OPT_LIST_ROW(0, "mount", container_values, mount.mounts, "TYPE=...,...",                   \
                     "Mount something: type=bind|volume|tmpfs|image,src=...,dst=...,..."),         \
        OPT_LIST_ROW(0, "tmpfs", container_values, mount.tmpfs, "DIR[:OPTIONS]",                   \
                     "Mount an empty file system in memory"),                                      \
        OPT_LIST_ROW(0, "volumes-from", container_values, mount.volumes_from, "CONTAINER[:ro]",    \
                     "Mount what is mounted in another container"),                                \
        OPT_LIST_ROW('v', "volume", container_values, mount.volumes, "[SOURCE:]DIR[:OPTIONS]",     \
                     "Mount a file or directory of the host, or a volume")

/* What the values ask for; points into them. */
struct create_mount_options mount_options(const struct mount_values *v);
