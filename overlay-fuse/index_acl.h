/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists that a tar has as text: SCHILY.acl.access and SCHILY.acl.default, as GNU tar
 * (--acls), star and bsdtar write them. */
#pragma once

#include "overlay-fuse/acl.h"
#include "overlay-fuse/index_names.h"

#include <archive.h>
#include <archive_entry.h>

/* Makes the entry's list of a type (ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT) one as the kernel
 * has it: its length, or 0. None is made where the kernel would take none, and none that names
 * somebody the layer does not know: a list without that entry would mean something else. */
size_t index_acl_list(struct archive_entry *e, int type, struct index_names *names,
                      uint8_t room[static ACL_MAX]);
/* The permission bits of an entry with an access list that is not kept: nobody gets more than the
 * list says. */
mode_t index_acl_mode(struct archive_entry *e);
