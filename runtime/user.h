/* SPDX-License-Identifier: Apache-2.0 */
/* Who the container's command runs as. */
#pragma once

#include "base/err.h"
#include "runtime/sandbox.h"

#include <stdint.h>

#define USER_GROUPS_MAX 256 /* supplementary groups that are taken from /etc/group */

struct user {
    uint32_t uid, gid;
    uint32_t groups[USER_GROUPS_MAX];
    size_t n_groups;
    bool found;      /* has a line in passwd */
    char home[1024]; /* "" when unknown */
};

/* Resolves "", "name", "uid", "name:group", "uid:gid" against the texts of passwd and group (either
 * may be ""). Nothing is looked up anywhere else: no NSS (CVE-2019-14271). A group that is given
 * leaves no supplementary groups, as podman does. */
int user_resolve(const char *spec, const char *passwd, const char *group, struct user *ret,
                 struct err *err);

/* Adds a supplementary group, by its name or number. */
int user_add_group(struct user *u, const char *spec, const char *group, struct err *err);

/* Whether a line of the group text has this number. */
bool user_group_known(const char *group, uint32_t gid);

/* Reads a file of the image that must be a regular one, of at most 1 MiB (CVE-2024-9676). A
 * missing file is empty. The caller frees *ret. */
int user_file_read(int rootfd, const char *path, char **ret, struct err *err);
