/* SPDX-License-Identifier: Apache-2.0 */
/* Ids on disk to ids in the mount and back (uidmapping=, gidmapping=, squash_to_*). */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_MAPPING_MAX 340 /* ranges, as many as the kernel takes for a user namespace */

struct id_mapping {
    struct id_range {
        uint32_t disk, shown, len;
    } * ranges;
    size_t n;
    bool squash; /* everything is `to` */
    uint32_t to;
};

/* "DISK:SHOWN:LEN[:DISK:SHOWN:LEN]..." */
int id_mapping_parse(const char *s, struct id_mapping *ret, struct err *err);
void id_mapping_done(struct id_mapping *m);
/* An id that no range has is 65534, the kernel's overflow id. */
uint32_t id_to_shown(const struct id_mapping *m, uint32_t id);
uint32_t id_to_disk(const struct id_mapping *m, uint32_t id);
