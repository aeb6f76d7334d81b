/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of a copy that stand in a file system: the host's, or, in a process that entered
 * it, a container's. Both use system calls and descriptors alone: in a container nothing may be
 * looked up that loads code or configuration (CVE-2019-14271). */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Sends what `path` names; a link in its last component is followed. `root`: the container's root,
 * which nothing leaves; AT_FDCWD: the host, whose user named the path. `where` for messages: "on
 * the host". What is neither file, directory, link nor fifo is left out. The error is sent too. */
int copy_send(int out, int root, const char *path, const char *where, struct err *err);

struct copy_target {
    int root; /* as above */
    const char *path;
    const char *where;
    bool overwrite;    /* a directory may be replaced by something else, and the other way */
    bool keep_owners;  /* as they were sent; else `uid` and `gid` */
    uint32_t uid, gid; /* not on the host, where everything is the user's */
};

/* Receives into `to`. On the host no link below the target is followed, and nothing gets set-id
 * bits: what the names and links are, a container said. */
int copy_receive(int in, const struct copy_target *to, struct err *err);
