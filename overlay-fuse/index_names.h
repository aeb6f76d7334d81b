/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of a layer by name: what its own /etc/passwd and /etc/group say.
 *
 * Access lists in tars name people, as GNU tar writes them. Who that is on the machine at hand says
 * nothing about the image, so only the layer itself is asked; the tar is read for it once, when the
 * first name comes up. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_name {
    const char *name;
    uint32_t id;
};

struct index_names {
    int fd; /* of the tar; -1: it cannot be read again */
    bool loaded;
    bool out_of_reach; /* a name came up that was not looked up for want of the tar */
    struct index_name_table {
        struct buf text; /* the file, its lines and fields cut apart */
        struct index_name *v;
        size_t n, cap;
    } users, groups;
};

void index_names_done(struct index_names *n);
/* False: nobody of that name is known. The locale is one with UTF-8. */
bool index_names_find(struct index_names *n, bool group, const char *name, uint32_t *ret);
