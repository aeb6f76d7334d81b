/* SPDX-License-Identifier: Apache-2.0 */
/* The merge core as other programs use it: an overlay of tar layers and one writable directory, by
 * path, in process, without a mount. (The FUSE server is the other face of the same core.)
 *
 * Paths are container paths; a leading "/" is allowed and symbolic links are resolved inside the
 * overlay, never on the host. Nobody else may use the same upper directory meanwhile: the work
 * directory is locked. Owners, modes and devices are the virtual ones, as the container sees them
 * (base 0, not mapped to host ids). */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct overlay;
struct layer;
struct node;

struct overlay_layer_files {
    const char *tar;   /* path of the layer's tar */
    const char *index; /* path of its index */
    const char *dir;   /* instead of both: a directory */
    bool checked;      /* all of the index was checked since it was last changed */
};

struct overlay_options {
    const struct overlay_layer_files *layers; /* topmost first */
    size_t n_layers;
    const char *upper; /* NULL: read-only */
    const char *work;
    bool real_owners; /* owners, modes and devices are those on disk, for whoever reads it beside us
                       */
    bool no_sync;     /* what a power failure may take with it is not worth waiting for a disk */
};

int overlay_open(const struct overlay_options *o, struct overlay **ret, struct err *err);
void overlay_close(struct overlay *ov);

enum overlay_path_flags {
    OVERLAY_NOFOLLOW = 1 << 0, /* a link in the last component is itself the object */
};

/* st_mode, st_uid, st_gid, st_rdev, st_size, st_mtim, st_nlink and st_ino are right. */
int overlay_stat(struct overlay *ov, const char *path, int flags, struct stat *ret);

/* The path with every link resolved ("/usr/bin/x" for "/bin/x"); with `missing_ok` the missing rest
 * is appended as it is. Allocated into *ret. */
int overlay_realpath(struct overlay *ov, const char *path, bool missing_ok, char **ret);

int overlay_readlink(struct overlay *ov, const char *path, char **ret);

/* Reads a regular file's bytes: the count, 0 at the end, negative errno. */
ssize_t overlay_read(struct overlay *ov, const char *path, void *data, size_t len, uint64_t offset);

/* Calls fn for each entry of a directory, sorted by name; fn returns non-zero to stop. */
int overlay_list(struct overlay *ov, const char *path,
                 int (*fn)(void *arg, const char *name, const struct stat *st), void *arg);

/* What an object is made with. */
struct overlay_attr {
    uid_t uid;
    gid_t gid;
    mode_t mode; /* permission bits; the type comes from the call */
    struct timespec mtime;
};

/* Makes the directory and its missing parents; an existing one is left as it is. */
int overlay_mkdirs(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                   struct err *err);
/* Sets owner, mode and time of an existing object (a link itself, not its target). */
int overlay_set_attr(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                     struct err *err);
/* Each of these replaces what stands at `path` (a directory only when `path` is an empty one, else
 * -EISDIR); the parent must exist; a link in the last component is replaced, not followed. */
int overlay_put_file(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                     int data_fd, struct err *err);
int overlay_put_symlink(struct overlay *ov, const char *path, const char *target,
                        const struct overlay_attr *attr, struct err *err);
/* fifo, socket, character or block device by the type bits of attr->mode. */
int overlay_put_node(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                     dev_t rdev, struct err *err);
/* Another name for the object at `from` (a link itself), which is no directory. */
int overlay_put_link(struct overlay *ov, const char *path, const char *from, struct err *err);
int overlay_set_xattr(struct overlay *ov, const char *path, const char *name, const void *value,
                      size_t len, struct err *err);
int overlay_remove(struct overlay *ov, const char *path, struct err *err);

/* One difference between the upper directory and the layers below it. */
struct overlay_change {
    const char *path; /* without leading "/", parents before children, names sorted */
    enum { OVERLAY_ENTRY, OVERLAY_WHITEOUT } kind;
    bool opaque;           /* a directory that hides what is below it */
    bool in_lower;         /* the layers have an object of this path */
    struct stat st;        /* virtual */
    const char *link;      /* target of a symbolic link */
    const char *hard_link; /* path of an earlier change with the same inode, or NULL */
    int fd; /* regular file: open, belongs to the walk; read it by overlay_change_read(); else -1 */
    const struct layer *layer; /* where its data is, with `inode`; NULL: in the file itself */
    uint32_t inode;
    struct overlay *overlay; /* overlay_everything(): where its data is */
    struct node *node;
    size_t n_xattrs;
    const struct overlay_xattr {
        const char *name;
        const void *value;
        size_t len;
    } * xattrs; /* as the container sees them, without our own bookkeeping */
};

/* Calls fn for every change, reading the upper directory only: the cost is that of what changed,
 * whatever the size of the image. Works on an upper without taking the work directory's lock, so
 * also while a server has it. */
int overlay_changes(const struct overlay_options *o,
                    int (*fn)(void *arg, const struct overlay_change *c, struct err *err),
                    void *arg, struct err *err);

/* Calls fn for everything that the overlay shows, the root first, in the same form and without
 * whiteouts; `in_lower` says that a layer has something in its place. Works on an upper that a
 * server uses: what changes meanwhile may be seen or not. */
int overlay_everything(const struct overlay_options *o,
                       int (*fn)(void *arg, const struct overlay_change *c, struct err *err),
                       void *arg, struct err *err);

/* The same for what is at `path` (a link in it is followed) and below it: the paths that fn gets
 * are relative to it, its own is "". -ENOENT when there is nothing. */
int overlay_subtree(const struct overlay_options *o, const char *path,
                    int (*fn)(void *arg, const struct overlay_change *c, struct err *err),
                    void *arg, struct err *err);

/* Reads the data of a regular file that is a change: the count, 0 at the end, negative errno. */
ssize_t overlay_change_read(const struct overlay_change *c, void *data, size_t len,
                            uint64_t offset);

static inline void cleanup_overlay(struct overlay **ov)
{
    if (*ov)
        overlay_close(*ov);
}
#define auto_overlay __attribute__((cleanup(cleanup_overlay))) struct overlay *
