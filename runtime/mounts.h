/* SPDX-License-Identifier: Apache-2.0 */
/* The container's file systems. Internal stages of init, in the order in which they run. */
#pragma once

#include "base/err.h"
#include "runtime/init.h"

/* What has to be opened in the host's tree before the container's covers it. */
struct host_files {
    int fuse;       /* /dev/fuse; -1 with a root_dir */
    int root_dir;   /* O_PATH; -1 without */
    int devices[6]; /* O_PATH, verified; rows of devices.c */
    int ipc[2];     /* O_PATH of the host's /dev/shm and /dev/mqueue when its IPC namespace is
                       shared, or a detached /dev/shm of another container's; -1 */
    int *nodes;     /* O_PATH, one a sandbox device, then the host's /dev (device_nodes.c) */
    int *scratch;   /* O_PATH, one a sandbox mount: where its changes go; -1: none */
    int *binds; /* one a sandbox mount: O_PATH of its source, or a /dev/fuse; then its root; -1 */
};

int host_files_open(const struct init_job *job, struct host_files *ret, struct err *err);

/* root.c: makes the mount tree private, mounts the root somewhere and returns its O_PATH fd. */
int root_mount(const struct init_job *job, struct host_files *hf, struct err *err);
/* root.c: mounts what the server of this number serves through `device` on `at` and sends it the
 * device, of which the caller should keep no copy: its death would not be noticed. */
int fuse_mount(const struct init_job *job, uint32_t number, int device, int at, unsigned long flags,
               struct err *err);
/* root.c: makes it "/" and lets go of the host's tree. */
int root_pivot(int rootfd, struct err *err);

/* mounts.c: proc and sys. *ret_proc: O_PATH of the verified procfs. */
int mounts_proc_sys(int rootfd, const struct sandbox *sb, int *ret_proc, struct err *err);
/* volumes.c: the O_PATH descriptor of a mount's target, made when it is missing; negative errno. */
int mounts_target(int rootfd, const char *path, bool directory);
/* volumes.c: the sandbox's mounts, in their order. */
int volumes_open(const struct sandbox *sb, struct host_files *hf, struct err *err);
int volumes_mount(int rootfd, const struct init_job *job, struct host_files *hf, struct err *err);
/* volumes.c: gives those that ask for it to the user. */
int volumes_chown(const struct sandbox *sb, const struct host_files *hf, uid_t uid, gid_t gid,
                  struct err *err);

/* devices.c: /dev with devpts, shm, mqueue. *ret_dev: O_PATH of it. */
int devices_mount(int rootfd, const struct sandbox *sb, const struct host_files *hf, int *ret_dev,
                  struct err *err);
int devices_open_host(int ret_fds[6], struct err *err);
/* devices.c: a new pty of the container's devpts, also bound as /dev/console. */
int devices_terminal(int dev, int *ret_master, int *ret_slave, struct err *err);

/* device_nodes.c: devices that were asked for. */
int device_nodes_open(const struct sandbox *sb, struct host_files *hf, struct err *err);
int device_nodes_mount(int rootfd, const struct sandbox *sb, const struct host_files *hf,
                       struct err *err);

/* hide.c: masked and read-only paths. */
int hide_paths(const struct sandbox *sb, int rootfd, int proc, int null_fd, struct err *err);
