/* SPDX-License-Identifier: Apache-2.0 */
/* `system df`: what images, containers and volumes take on the disk. */
#pragma once

#include "engine/engine.h"

/* {"Images": [{Id, Names, Created, Size, SharedSize, UniqueSize, Containers}],
 *  "Containers": [ps's fields and Size], "Volumes": [{VolumeName, Links, Size}],
 *  "Sum": [{Type, Total, Active, RawSize, RawReclaimable}]}; sizes in bytes. New reference.
 * A layer that several images have counts once in the sum: what is told there is what the disk
 * holds, and what would be free when everything without a container went. Lower stores' images
 * are not counted. */
int disk_usage(struct engine *e, json_t **ret, struct err *err);
