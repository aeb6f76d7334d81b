/* SPDX-License-Identifier: Apache-2.0 */
/* Starting an overlay-fuse server for a mount that another process makes.
 *
 * The mount belongs into the container's own user and mount namespaces, so the container's init
 * opens /dev/fuse and calls mount(2); the server, started at the same time in the host's namespaces
 * as the plain user, gets that descriptor over a channel and serves it. When the last process of
 * the mount namespace is gone the mount is gone, the server reads ENODEV and ends: nothing leaks.
 */
#pragma once

#include "base/err.h"
#include "overlay-fuse/core.h"

#include <sys/types.h>

/* The message on the channel that carries the one /dev/fuse descriptor and, if there can be one, a
 * procfs with the process numbers of where it was mounted, by which the server finds out on which
 * CPU to run. */
enum { OVERLAY_MSG_DEVICE = 1 };

struct overlay_client_options {
    struct overlay_options overlay;
    bool single_id; /* the mount's user namespace maps one id, this one: report every owner as it */
    uid_t single_uid;
    gid_t single_gid;
};

/* Starts the server. *ret_channel (CLOEXEC): send it the descriptor with
 * channel_send(OVERLAY_MSG_DEVICE). The server answers on it with one message of the same type and
 * a struct err (code 0: it serves), so a failure to open a layer is known before the container
 * starts. Returns the server's pid. */
pid_t overlay_client_start(const struct overlay_client_options *o, int *ret_channel,
                           struct err *err);

/* The mount options of a FUSE mount that this server can serve: "fd=N,rootmode=40000,..." for
 * mount("overlay", target, "fuse.wherry", flags, data). */
void overlay_client_mount_data(int device_fd, uid_t uid, gid_t gid, char out[static 256]);
