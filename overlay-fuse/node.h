/* SPDX-License-Identifier: Apache-2.0 */
/* The merged tree in memory: what both faces of the core (server, path calls) work on.
 *
 * Theory of operation. A *node* is an object (file, directory...), a *child* is a name of one in a
 * directory. A directory that was looked into has a table of all its merged names, built once from
 * the upper directory and the layers' indexes and kept true by every change from then on: since
 * nobody else changes the upper directory, looking a name up, and finding that it is not there,
 * costs no system call however many layers there are. Nodes are made when a name is first resolved
 * and live while the kernel knows them (nlookup), somebody holds them (refs) or they have children
 * that live. Ids are never reused; inode numbers are stable and the same for all names of an
 * object, whether it was copied up or not.
 *
 * One thread at a time works on an overlay. What a lock would protect is kept together so that one
 * can be added: a directory's table, a node's place (upper or lower), the two maps. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "overlay-fuse/acl.h"
#include "overlay-fuse/core.h"
#include "overlay-fuse/idmap.h"
#include "overlay-fuse/layer.h"
#include "overlay-fuse/upper.h"

#include <stdbool.h>
#include <stdint.h>

struct lower_ref {
    uint32_t layer; /* index in overlay.layers, 0 is the topmost */
    uint32_t inode;
};

struct child {
    struct node *dir;        /* the directory it stands in */
    struct node *node;       /* NULL: not resolved yet */
    struct child *next_name; /* other known names of the node */
    const char *name;        /* in an index's heap, or allocated (own_name); not terminated */
    uint64_t cookie;         /* place in listings; never reused within the directory */
    struct lower_ref lower;  /* valid with in_lower: the topmost object of that name below */
    uint32_t hash;
    uint8_t len;
    bool in_upper; /* the upper directory has an entry of this name (object or whiteout) */
    bool in_lower; /* the object comes from, or a directory is merged with, a layer */
    bool hidden;   /* a whiteout: the name is known not to exist */
    bool by_file;  /* and it is a ".wh." file in the upper directory */
    bool is_dir;   /* of a visible name: it is a directory */
    bool own_name;
    bool in_block; /* allocated with the table, freed with it */
};

struct dir_slot {
    uint64_t cookie;
    struct child *child; /* NULL: removed */
};

struct dir {
    struct dir_slot *slots; /* ascending cookies; hidden names have no slot */
    size_t n_slots, cap_slots, n_dead;
    size_t n_subdirs; /* visible names of directories */
    uint64_t next_cookie;
    struct child **buckets; /* open addressing, linear; a power of two */
    size_t n_buckets, n_children;
    struct child *block;
};

#define DIR_FIRST_COOKIE 3 /* 1 and 2 are "." and ".." */

struct node {
    uint64_t id, ino;
    uint64_t nlookup; /* the kernel's references */
    uint32_t told;    /* when the kernel got its attributes (seconds), 0: it is to ask again */
    uint32_t refs;    /* ours: resolved children, temporary holders */
    bool in_upper;
    bool typed;       /* upper: a regular file that stands for a link, device, fifo or socket */
    bool meta;        /* upper: the data is still that of the lower object */
    bool by_ino;      /* is in overlay.by_ino: it may have names we have not seen */
    bool unlinked;    /* no name is left; `fd` is the object when it was in the upper directory */
    bool nameless;    /* made without a name, and may still get one */
    bool default_acl; /* directory: what is made in it inherits an access control list */
    bool kept;        /* a path call holds it until the overlay is closed */
    bool disguised;   /* a new device that the kernel takes for a regular file (server_record.c) */
    bool has_mtime;   /* `mtime` counts, not what the file on disk has from delayed writes */
    uint32_t nlink;   /* of an object that is in a layer and has several names there */
    struct vattr v;
    struct child *names;
    struct lower_ref *lowers; /* lower object, or directories to merge, topmost first */
    uint32_t n_lowers;
    struct lower_ref lower_room; /* where `lowers` points to when there is one */
    uint32_t told_blocks;        /* with `told`: the blocks it had, modulo 2^32 */
    struct dir *dir;
    int fd; /* cached, O_RDWR (regular) or O_PATH or O_DIRECTORY when unlinked; -1 */
    struct node *fd_prev, *fd_next;
    struct timespec mtime;
};

struct overlay {
    struct layer *layers;
    size_t n_layers;
    int upper_fd; /* -1: read-only */
    int work_fd, tmp_fd;
    enum upper_style style;
    struct journal *journal; /* of attributes, where the upper directory has none; else NULL */
    bool prefix_whiteouts;   /* the kernel refuses mknod: new whiteouts are ".wh." files */
    bool delayed_writes;     /* who writes has changed the time before, or will do it itself */
    bool sync;               /* copied data is on the disk before its copy is visible */
    struct stat upper_st;    /* of the root of the upper directory */
    /* Told when an object gets another number, so that nobody goes on with the old one; or NULL. */
    void (*renumbered)(void *arg, struct node *n);
    void *renumbered_arg;
    struct node **kept; /* see node.kept */
    size_t n_kept, cap_kept;
    struct node *root;
    struct idmap by_id, by_ino;
    uint64_t next_id, next_tmp;
    struct node *fd_first, *fd_last; /* least recently used last */
    size_t n_fds, max_fds;
};

/* Names that begin with ".wh." are whiteouts, not files. */
static inline bool overlay_reads_prefix(const struct overlay *ov)
{
    return ov->prefix_whiteouts || ov->style == UPPER_REAL;
}

/* --- open.c ------------------------------------------------------------------------------- */

/* For reading the upper directory beside its owner: takes no lock and writes nothing. */
int overlay_open_for_changes(const struct overlay_options *o, struct overlay **ret,
                             struct err *err);
/* Before something gets a name or is cut off from the layers: what the journal says of it is on the
 * disk. Without `all` that is only that its number means nothing else any more. */
int overlay_settle(struct overlay *ov, bool all);

/* --- core.c ------------------------------------------------------------------------------- */

/* The object of a path, with a reference; links on the way are followed, the last one unless
 * OVERLAY_NOFOLLOW. */
int node_find(struct overlay *ov, const char *path, int flags, struct node **ret);

/* --- node.c: life ------------------------------------------------------------------------- */

struct node *node_new(struct overlay *ov);
static inline struct node *node_ref(struct node *n)
{
    n->refs++;
    return n;
}
void node_unref(struct overlay *ov, struct node *n);
/* The kernel forgets `n` lookups. */
void node_forget(struct overlay *ov, struct node *n, uint64_t count);
struct node *node_by_id(struct overlay *ov, uint64_t id);
static inline bool node_is_dir(const struct node *n)
{
    return S_ISDIR(n->v.mode);
}
void node_set_lowers(struct node *n, const struct lower_ref *refs, size_t count);
/* Ties a child of a table to the node it names. */
void child_attach(struct overlay *ov, struct child *c, struct node *n);
/* Unties it; the caller holds the node. */
void child_detach(struct overlay *ov, struct child *c);
/* Registers the node by its inode number, so that other names of it find it. */
void node_share(struct overlay *ov, struct node *n);

struct held_node {
    struct overlay *ov;
    struct node *n;
};
static inline void cleanup_held_node(struct held_node *h)
{
    if (h->n)
        node_unref(h->ov, h->n);
}
/* auto_node x = {ov, NULL}: released at the end of the scope. */
#define auto_node __attribute__((cleanup(cleanup_held_node))) struct held_node

/* --- dir.c: tables ------------------------------------------------------------------------ */

/* Builds the table if the directory has none yet. */
int dir_load(struct overlay *ov, struct node *dir);
/* Gives a directory that was just made its table, which is empty. */
void dir_begin(struct node *dir);
/* The child with this name, hidden ones included, or NULL. The table must be loaded. */
struct child *dir_find(const struct node *dir, const char *name, size_t len);
/* Makes the name exist in the table: a new child, or a hidden one shown again. */
struct child *dir_show(struct node *dir, const char *name, size_t len, bool is_dir);
/* The name exists no more. With `whiteout` it stays as a hidden child that the upper directory has
 * a whiteout for, else it is freed. It must not be attached. */
void dir_hide(struct node *dir, struct child *c, bool whiteout);
/* The first slot with a cookie greater than `after`. */
size_t dir_seek(const struct dir *d, uint64_t after);
void dir_free(struct dir *d);
/* True when it has no visible name. */
bool dir_is_empty(const struct node *dir);

/* --- lookup.c: names to nodes ------------------------------------------------------------- */

/* The child's node with one more reference. */
int child_resolve(struct overlay *ov, struct child *c, struct node **ret);
/* Looks up a name: -ENOENT, -ENOTDIR, -ENAMETOOLONG; *ret holds a reference. */
int node_lookup(struct overlay *ov, struct node *dir, const char *name, size_t len,
                struct node **ret);
/* The layers' objects of this name below a merged directory, topmost first: at most `max`
 * directories, or one of another kind. */
size_t lower_lookup(const struct overlay *ov, const struct lower_ref *dirs, size_t n_dirs,
                    const char *name, size_t len, struct lower_ref *ret, size_t max);
/* True when removing the name needs a whiteout. */
bool lower_has(const struct overlay *ov, const struct node *dir, const char *name, size_t len);
/* Attributes of an object that is only in layers. */
void lower_attr(const struct overlay *ov, const struct lower_ref *refs, size_t n,
                struct vattr *ret);
/* The inode record that speaks for the object. */
const struct index_inode *lower_inode(const struct overlay *ov, const struct lower_ref *refs,
                                      size_t n);
/* Counted from the bottom, so that it does not change when layers are put on top. */
uint64_t lower_ino(const struct overlay *ov, struct lower_ref ref);
/* The object that has this number; false when no layer has. */
bool lower_by_ino(const struct overlay *ov, uint64_t ino, struct lower_ref *ret);
/* The layer of that record. */
const struct layer *lower_layer(const struct overlay *ov, const struct node *n);
/* True when a directory that is only in layers has an inheritable access control list. */
bool lower_default_acl(const struct overlay *ov, const struct node *n);
/* The attribute of a record, or NULL. */
const struct index_xattr *lower_xattr(const struct layer *l, const struct index_inode *in,
                                      const char *name);
uint64_t upper_ino(uint64_t real);
/* Walks a layer's own path of an entry in the merged tree. *ret_child is the name if it still shows
 * that very object; it lives as long as *ret_dir, its directory, which comes with a reference. */
int lower_path_child(struct overlay *ov, struct lower_ref ref, uint32_t entry,
                     struct child **ret_child, struct node **ret_dir);

/* --- place.c: where a node is in the upper directory -------------------------------------- */

/* By name while it has one. */
int node_upath(struct overlay *ov, const struct node *n, struct upath *ret);
/* For its attributes: by a descriptor that is open, else by name. */
int node_object(struct overlay *ov, const struct node *n, struct upath *ret);
/* Of a name in an upper directory, whether it exists or not. */
int child_upath(struct overlay *ov, struct node *dir, const char *name, size_t len,
                struct upath *ret);
/* A fresh name in the work directory. */
void tmp_upath(struct overlay *ov, struct upath *ret);
/* A descriptor for the data of a regular file in the upper directory; belongs to the node. */
int node_fd(struct overlay *ov, struct node *n);
/* Hands over a descriptor that node_fd() would open. */
void node_give_fd(struct overlay *ov, struct node *n, int fd);
/* Opens the upper object if the name that goes is its last and it is still used. */
int node_pin_last(struct overlay *ov, struct node *n);
void node_close_fd(struct overlay *ov, struct node *n);
/* Before a change of the data through `fd`: with delayed writes it is to leave the time alone. */
int node_save_mtime(const struct overlay *ov, struct node *n, int fd);
/* Gives the file on disk the time that was saved. */
void node_restore_mtime(struct node *n);

/* --- copyup.c ----------------------------------------------------------------------------- */

/* Makes the node (and its parents) exist in the upper directory, all its names at once. A regular
 * file gets at most `size` bytes of its data: UINT64_MAX, or what a truncation will leave. */
int node_copy_up(struct overlay *ov, struct node *n, uint64_t size);
/* The same without the data of a regular file, which stays that of the layer (node.meta). */
int node_copy_up_attr(struct overlay *ov, struct node *n);
/* The root of a writable layer that was not used before gets the layers' extended attributes and
 * time; that it has a recorded number says that this was done. */
int node_dress_root(struct overlay *ov);
/* Ties names to an object in the upper directory that were not there when it was copied up. */
int node_link_names(struct overlay *ov, struct node *n);
/* A symbolic link in the upper directory becomes one that can bear an owner and attributes. */
int node_make_typed(struct overlay *ov, struct node *n);
/* Copies up everything below a directory and cuts it off the layers, so that it can be moved. */
int node_make_pure(struct overlay *ov, struct node *dir);

/* --- ops: what changes the tree ----------------------------------------------------------- */

struct make {
    mode_t mode; /* with type */
    uid_t uid;
    gid_t gid;
    dev_t rdev;
    const char *target;           /* symbolic link */
    const struct timespec *mtime; /* NULL: now */
    int data_fd;                  /* node_put() of a regular file: its bytes, else -1 */
    const struct acl *acl;        /* inherited lists, or NULL */
};

/* make.c. A new object; -EEXIST when the name is taken. *ret holds a reference. */
int node_make(struct overlay *ov, struct node *dir, const char *name, const struct make *m,
              struct node **ret);
/* As node_make() with everything in place before it becomes visible; replaces what is there but a
 * directory. */
int node_put(struct overlay *ov, struct node *dir, const char *name, const struct make *m,
             struct node **ret);
/* A regular file that has no name yet: node_link() gives it one. -EOPNOTSUPP: the file system below
 * cannot make one. */
int node_make_nameless(struct overlay *ov, const struct make *m, struct node **ret);
int node_link(struct overlay *ov, struct node *n, struct node *dir, const char *name);
/* Group, set-group-ID and access control lists as a new object in `dir` inherits them; where there
 * is no list to inherit the mode loses the bits of `umask`. `room` keeps the lists for m->acl. */
int make_inherit(struct overlay *ov, struct node *dir, mode_t umask, struct make *m,
                 struct acl *room);
/* The place is in the way of nothing: a name over which an upper object can be renamed. */
int drop_prefix_whiteout(struct overlay *ov, struct node *dir, const struct child *c,
                         const char *name, size_t len);
/* -EROFS, or what is wrong with a name for a new object. */
int check_new_name(const struct overlay *ov, const char *name, size_t len);

/* remove.c */
enum remove_what { REMOVE_FILE, REMOVE_DIR, REMOVE_ANY };
int node_remove(struct overlay *ov, struct node *dir, const char *name, enum remove_what what);
/* Empties and removes a directory in the work directory. */
int tmp_remove_dir(struct overlay *ov, const struct upath *p);
/* Undoes a name in memory: detaches, hides. */
void forget_name(struct overlay *ov, struct child *c, bool whiteout);
/* Makes an empty merged directory really empty in the upper: opaque, whiteouts gone. */
int purge_whiteouts(struct overlay *ov, struct node *dir);
/* The place of a ".wh." file for the name, and of a new whiteout of either form. */
int prefix_upath(struct overlay *ov, struct node *dir, const char *name, size_t len,
                 struct upath *ret);
int whiteout_upath(struct overlay *ov, struct node *dir, const char *name, size_t len,
                   struct upath *ret);

/* rename.c; flags as renameat2's. */
int node_rename(struct overlay *ov, struct node *from, const char *old, struct node *to,
                const char *new, unsigned flags);

/* attr.c */
int node_stat(struct overlay *ov, struct node *n, struct stat *ret);
int node_chmod(struct overlay *ov, struct node *n, mode_t mode);
/* (uid_t)-1 and (gid_t)-1 leave it as it is. */
int node_chown(struct overlay *ov, struct node *n, uid_t uid, gid_t gid);
/* What a write or a change of owner takes away: set-user-ID, set-group-ID, capabilities. Without
 * execute permission for the group set-group-ID stays if the caller is `of_group`. */
int node_kill_privileges(struct overlay *ov, struct node *n, bool of_group);
int node_truncate(struct overlay *ov, struct node *n, uint64_t size);
/* As utimensat(). */
int node_utimens(struct overlay *ov, struct node *n, const struct timespec t[2]);

/* data.c */
ssize_t node_read(struct overlay *ov, struct node *n, void *data, size_t len, uint64_t offset);
ssize_t node_write(struct overlay *ov, struct node *n, const void *data, size_t len,
                   uint64_t offset);
int node_readlink(struct overlay *ov, struct node *n, char **ret);
/* SEEK_DATA or SEEK_HOLE: the offset or a negative errno. */
off_t node_seek(struct overlay *ov, struct node *n, off_t offset, int whence);
/* As fallocate() and copy_file_range(). */
int node_allocate(struct overlay *ov, struct node *n, int mode, off_t offset, off_t len);
ssize_t node_copy_range(struct overlay *ov, struct node *from, off_t from_offset, struct node *to,
                        off_t to_offset, size_t len);
int node_sync(struct overlay *ov, struct node *n, bool data_only);
/* The layer and its inode that the data of a regular file comes from; NULL: the upper directory. */
const struct layer *node_data_layer(const struct overlay *ov, const struct node *n,
                                    uint32_t *ret_inode);

/* xattr.c. Names as the container sees them. */
ssize_t node_getxattr(struct overlay *ov, struct node *n, const char *name, void *value,
                      size_t size);
int node_setxattr(struct overlay *ov, struct node *n, const char *name, const void *value,
                  size_t size, int flags);
/* The same without what an access control list means for the mode. */
int node_keep_xattr(struct overlay *ov, struct node *n, const char *name, const void *value,
                    size_t size, int flags);
int node_removexattr(struct overlay *ov, struct node *n, const char *name);
/* Names, each with its NUL, appended. */
int node_listxattr(struct overlay *ov, struct node *n, struct buf *ret);
