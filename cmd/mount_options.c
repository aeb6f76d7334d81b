/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for mounts. */
#include "cmd/mount_options.h"

struct create_mount_options mount_options(const struct mount_values *v)
{
    return (struct create_mount_options){
        .volumes = &v->volumes,
        .mounts = &v->mounts,
        .tmpfs = &v->tmpfs,
        .volumes_from = &v->volumes_from,
        .image_volume = v->image_volume,
    };
}
