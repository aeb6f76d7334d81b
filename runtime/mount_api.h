/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting by descriptor, so that no path of an image is walked by the kernel's mount(2). */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <sys/mount.h>

/* A new file system that is mounted nowhere, read-only, with one option. Its O_PATH descriptor, or
 * a negative errno (-ENOSYS before Linux 5.2). */
int mount_detached(const char *type, const char *key, const char *value);
/* mount(2) of a new file system onto the O_PATH descriptor. 0 or a negative errno. */
int mount_new_at(int target_fd, const char *type, const char *source, unsigned long flags,
                 const char *data);

/* Attaches a bind of what `source_fd` (O_PATH) names onto `target_fd`. `recursive`: with the mounts
 * below. `flags` of MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC are added to those it has. Returns a
 * descriptor of the new mount's root, or a negative errno. */
int mount_bind_at(int source_fd, int target_fd, bool recursive, unsigned long flags);

/* A detached copy of the mount that `fd` (O_PATH) is in, from there; a negative errno. */
int mount_copy(int fd);
/* Attaches a detached mount onto `target_fd`. 0 or a negative errno. */
int mount_attach(int tree_fd, int target_fd);

/* Adds flags to the mount whose root is `fd`. */
int mount_add_flags(int fd, bool recursive, unsigned long flags);

/* Makes the mount whose root is `fd` private, a slave... (MS_PRIVATE, MS_SLAVE, MS_SHARED,
 * MS_UNBINDABLE, with MS_REC). */
int mount_propagation(int fd, unsigned long flags);

/* Opens a directory below `rootfd` that just became a mount point, not through a link in its last
 * component, and makes sure that it is a file system of this type (statfs magic). */
int mount_reopen(int rootfd, const char *path, long magic);
