/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a mount made by hand or by another engine: those of fuse-overlayfs(1). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "overlay-fuse/id_mapping.h"

#include <stdbool.h>

struct mount_options {
    struct strv lowers; /* topmost first: directories, or tars that have an index */
    char *upper, *work; /* NULL: read-only */
    char *mountpoint;
    struct buf fuse; /* what libfuse and the kernel are asked for: "a,b=c" */
    struct id_mapping uids, gids;
    bool virtual_owners; /* xattr_permissions=2 */
    bool no_xattrs, no_acl, no_sync, no_fsync, static_nlink, no_writeback;
    bool foreground, debug, help, version;
    double timeout; /* seconds that the kernel may keep what it was told */
};

/* Parses a command line: `[-fds] [-o OPTIONS]... [SOURCE] MOUNTPOINT`. Errors are ERR_USAGE. */
int mount_options_parse(int argc, char **argv, struct mount_options *ret, struct err *err);
void mount_options_done(struct mount_options *o);
DEFINE_AUTO(mount_options, mount_options_done)
