/* SPDX-License-Identifier: Apache-2.0 */
/* The writable layer's format on disk (docs/formats.md, "Writable layer").
 *
 * Theory of operation. Everything belongs to the calling user with a mode that lets that user in
 * and never a setuid bit; what the container sees instead is in user.containers.override_stat,
 * written only where it differs from the plain file with owner 0:0. What cannot bear a user.
 * attribute (links with an owner or attributes, devices, fifos, sockets) is a regular file whose
 * override names the type; of a link its content is the target. Attributes that an ordinary user
 * cannot set are kept under an escaped name. Where the file system has no user. attributes, all of
 * them are in a journal instead (journal.h), which every place in the upper directory names. This
 * file knows paths and attributes, not the tree. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "overlay-fuse/journal.h"

#include <limits.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define UPPER_OVERRIDE "user.containers.override_stat"
#define UPPER_OPAQUE   "user.overlay.opaque"
#define UPPER_INO      "user.wherry.ino"    /* inode number it had in a layer, decimal */
#define UPPER_META     "user.wherry.meta"   /* only attributes are here, the data is in the layer */
#define UPPER_ESCAPE   "user.wherry.xattr." /* + the name that the container used */
#define UPPER_WHITEOUT ".wh."

/* Where owners, modes and kinds are kept. */
enum upper_style {
    UPPER_VIRTUAL, /* as described above */
    UPPER_REAL, /* on the objects themselves: for a server that may chown() and mknod(), and whose
                   upper directory others read */
};
/* Of the real style: UPPER_INO, by a name that others who pack the directory leave out, and the
 * file that makes a directory opaque for them. */
#define UPPER_REAL_INO    "user.overlay.wherry-ino"
#define UPPER_OPAQUE_FILE ".wh..wh..opq"

/* The attributes that the container sees. */
struct vattr {
    mode_t mode; /* with type */
    uid_t uid;
    gid_t gid;
    dev_t rdev;
};

/* A place in the upper or work directory, usable with *at calls (dirfd, rel) and, since there are
 * no *at calls for extended attributes, as a path through /proc. */
struct upath {
    int dirfd;
    bool follow;             /* a link to an open descriptor in /proc, which is to be followed */
    int fd;                  /* the object itself, open for more than its path; else -1 */
    const char *rel;         /* relative to dirfd */
    const char *full;        /* /proc/self/fd/<dirfd>/<rel> */
    struct journal *journal; /* where its attributes are; NULL: on the object */
    char room[PATH_MAX + 300];
};

/* Builds a upath from the end: init, then each component from the last to the first, then done. */
void upath_start(struct upath *p, struct journal *journal);
int upath_prepend(struct upath *p, const char *name, size_t len);
void upath_done(struct upath *p, int dirfd);
/* A name in a directory that is open. */
void upath_at(struct upath *p, int dirfd, const char *name, struct journal *journal);
/* The object behind an open descriptor, which is of the O_PATH kind or not. */
void upath_fd(struct upath *p, int fd, bool path_only, struct journal *journal);

struct upper_object {
    struct stat st; /* as it is on disk */
    struct vattr v;
    bool typed;
    bool opaque;
    bool meta; /* UPPER_META */
    bool has_override;
    bool default_acl;
    uint64_t ino; /* UPPER_INO, or 0 */
};

int upath_stat(const struct upath *p, struct stat *ret);
/* Sets the times as utimensat() does, of a link itself. */
int upath_utimens(const struct upath *p, const struct timespec t[2]);
/* Reads an object and what is recorded about it. -EIO when the record makes no sense. */
int upper_read(const struct upath *p, enum upper_style style, struct upper_object *ret);

/* The mode on disk of an object with this virtual one. */
mode_t upper_disk_mode(const struct vattr *v, enum upper_style style);
/* Whether a regular file has to stand for such an object. */
bool upper_needs_typed(const struct vattr *v, bool has_xattrs, enum upper_style style);
/* Records attributes: mode bits on disk, override when needed (always with `force`). The object's
 * kind on disk must fit `typed`. */
int upper_set_attr(const struct upath *p, const struct vattr *v, enum upper_style style, bool typed,
                   bool force);
/* The same for an object that was just made, with what stat() says of it. It has no attributes
 * before: with a journal, those of an earlier object of that number are taken away. */
int upper_set_new_attr(const struct upath *p, const struct vattr *v, enum upper_style style,
                       bool typed, const struct stat *st);
/* Records the inode number that an object had in a layer. Not for links, devices and the like of
 * the real style, which cannot bear it. */
int upper_set_ino(const struct upath *p, enum upper_style style, uint64_t ino);

ssize_t upath_getxattr(const struct upath *p, const char *name, void *value, size_t size);
int upath_setxattr(const struct upath *p, const char *name, const void *value, size_t size,
                   int flags);
int upath_removexattr(const struct upath *p, const char *name);
/* An attribute that can be seen has changed, which the time of the object's last change is to say:
 * with a journal the object itself knows nothing of it. */
int upath_changed(const struct upath *p);
/* Appends the names on disk, each with its NUL. */
int upath_listxattr(const struct upath *p, struct buf *ret);

/* The name on disk of an attribute of the container's, and back (NULL: it is our own bookkeeping).
 * The escaped name is built in `room`. -ERANGE: too long. */
int upper_xattr_name(const char *name, enum upper_style style, char room[static XATTR_NAME_MAX + 1],
                     const char **ret);
const char *upper_xattr_shown(const char *disk_name, enum upper_style style);
/* Bookkeeping of overlays, which nobody else is to see. */
bool upper_xattr_is_ours(const char *disk_name);

int upper_set_opaque(const struct upath *p, enum upper_style style);
/* Makes a whiteout at `p` (with prefix: p names the ".wh." file itself). */
int upper_make_whiteout(const struct upath *p, bool prefix);
static inline bool upper_is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}
/* The target of a link, typed or real; allocated. */
int upper_readlink(const struct upath *p, bool typed, char **ret);
