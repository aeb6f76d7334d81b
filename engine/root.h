/* SPDX-License-Identifier: Apache-2.0 */
/* The root file system of a container or of a build's step: which files its overlay is made of, and
 * the monitor's operations that serve it. */
#pragma once

#include "base/cleanup.h"
#include "netns/ports.h"
#include "overlay-fuse/client.h"
#include "runtime/monitor.h"
#include "store/store.h"

struct root {
    struct overlay_layer_files *layers; /* topmost first; owns the strings */
    size_t n_layers;
    char *upper, *work;
    bool single_id; /* every owner shows as: */
    uid_t single_uid;
    gid_t single_gid;
    bool no_sync;        /* what is written is gone with the container, or made again */
    struct root *images; /* what MOUNT_SERVED 1... show */
    size_t n_images;
    const struct netns_port *ports; /* what it publishes; borrowed */
    size_t n_ports;
    const struct netns_config *network; /* what the network is like that is served beside it; NULL:
                                           a private one has the loopback device alone. Borrowed */
};

/* Collects the layers' files of `diff_ids` (bottom first), mending a missing index, and the
 * writable directory `dir`/upper with `dir`/work. */
int root_init(struct root *root, struct store *s, const struct strv *diff_ids, const char *dir,
              struct err *err);
/* Adds an image's layers to root->images; with `dir` it is writable, and what is written is in
 * `dir`/upper. */
int root_add_image(struct root *root, struct store *s, const struct strv *diff_ids, const char *dir,
                   struct err *err);
void root_done(struct root *root);

/* The layers of a container (diff ids, bottom first; appended). An error for one whose root is a
 * directory of the machine (--rootfs), which has no layers to look into. */
int root_container_layers(const struct store_container *c, struct strv *ret, struct err *err);

/* What the ids of a user namespace mean for what its root shows. */
void root_set_ids(struct root *root, const struct id_maps *ids);

/* The overlay of this root; points into it. */
void root_overlay_options(const struct root *root, struct overlay_options *ret);

/* Makes the mount points and the working directory of the sandbox where its init could not, as its
 * user namespace has no id 0. Nobody may have the overlay open; the volumes are there. */
int root_make_targets(const struct root *root, const struct sandbox *sb, struct err *err);

/* Fills in the operations that serve `root` and set the network up. `ops->ctx` must be a struct
 * that begins with a `struct root *`, complete by now. */
void root_monitor_ops(struct monitor_ops *ops);

DEFINE_AUTO(root, root_done)
