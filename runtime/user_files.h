/* SPDX-License-Identifier: Apache-2.0 */
/* The container's passwd and group with the lines of users that the image does not know. */
#pragma once

#include "base/cleanup.h"
#include "runtime/process.h"

/* The texts of the container's files; "" when one is missing. */
struct user_files {
    char *passwd, *group;
    bool passwd_changed, group_changed;
};

void user_files_done(struct user_files *f);

DEFINE_AUTO(user_files, user_files_done)

/* Reads them below `root` and adds the users of --hostuser, so that they can be named. */
int user_files_read(struct user_files *f, const struct sandbox *sb, int root, struct err *err);
/* Adds a line for the user, and for its group, when there is none; may set its home. */
void user_files_add(struct user_files *f, const struct sandbox *sb, struct user *u);
/* Shows what was added, by a file of our own over the image's: nothing of it gets into the image.
 * Files that the image has not, or that are mounts, are left alone. */
int user_files_show(const struct user_files *f, const struct sandbox *sb, int root,
                    struct err *err);
