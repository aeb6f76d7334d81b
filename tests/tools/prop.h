/* SPDX-License-Identifier: Apache-2.0 */
/* The property test of the merge core: a model of a file system beside the real one.
 *
 * Theory of operation. A *world* is a random stack of layers, an empty writable directory and a
 * model of what must be seen. Random operations go to both through the core's inner interface, as
 * the kernel would call it, and must give the same result; now and then the whole tree is compared,
 * the overlay is closed and opened anew, and what changed is made a layer and compared as such.
 * Every world has its own random numbers, so one that fails can be run alone. */
#pragma once

#include "base/buf.h"
#include "overlay-fuse/node.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    N_NAMES = 12,
    N_XATTRS = 6,
    N_REAL_XATTRS = 4,
    MAX_LAYERS = 6,
    MAX_DATA = 40000,
    XATTR_ROOM = 16
};

extern const char *const prop_names[N_NAMES];
extern const char *const prop_xattrs[N_XATTRS];

/* An object of the model, or of a layer while one is made. */
struct obj {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    dev_t rdev;
    struct timespec mtime;
    bool mtime_known; /* else it is learned from the next comparison */
    char *data;       /* of a file; of a link its target */
    size_t len;
    struct {
        bool set;
        char value[XATTR_ROOM];
    } xattrs[N_XATTRS];
    uint32_t names;             /* how many; a directory: 0 or 1 */
    uint64_t ino;               /* 0: not seen yet */
    uint64_t holds;             /* lookups that we, as the kernel, have not forgotten */
    uint64_t node_id;           /* with holds */
    uint64_t seen;              /* the comparison that met it last */
    struct obj *child[N_NAMES]; /* of a directory */
    struct obj *parent;         /* of a directory */
    int name;
    struct obj *next_orphan;

    bool implicit, opaque, whiteout[N_NAMES]; /* of a directory in a layer */
    struct obj *merged;                       /* of a layer's object: what it became */
};

struct pos {
    struct obj *dir;
    int name;
};

struct world {
    uint64_t seed, number, random;
    bool verbose;
    bool prefix;      /* whiteouts are ".wh." files */
    bool real;        /* owners are those on disk */
    bool bare;        /* and the file system has no extended attributes */
    bool no_allocate; /* it has no fallocate() */
    bool journal;     /* attributes are kept in a journal */
    bool crashed;     /* the journal may have records that say nothing about anybody */
    bool no_links;    /* no hard links are made */
    char *path;
    int fd;
    struct overlay_layer_files layers[MAX_LAYERS + 1]; /* topmost first */
    unsigned n_made;                                   /* layers, for their names */
    struct overlay_options options;
    struct overlay *ov;
    struct obj *root, *orphans;
    struct pos *all; /* every name that exists; refreshed by prop_collect() */
    size_t n_all, cap_all;
    struct obj **dirs;
    size_t n_dirs, cap_dirs;
    uint64_t n_ops, comparison;
    char op[600]; /* what is being done */
};

/* Ends the program with the seed, the operation and the reason. */
_Noreturn void prop_fail(const struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* How many of prop_xattrs the container may use. */
static inline uint32_t prop_n_xattrs(const struct world *w)
{
    return w->bare ? 0 : w->real ? N_REAL_XATTRS : N_XATTRS;
}
/* A number below n. */
uint32_t prop_below(struct world *w, uint32_t n);
static inline bool prop_chance(struct world *w, uint32_t percent)
{
    return prop_below(w, 100) < percent;
}

/* --- prop_model.c ------------------------------------------------------------------------- */

struct obj *obj_new(mode_t mode);
/* A copy without names, places and children. */
struct obj *obj_copy(const struct obj *o);
void obj_free(struct obj *o);
static inline bool obj_is_dir(const struct obj *o)
{
    return S_ISDIR(o->mode);
}
void obj_attach(struct obj *dir, int name, struct obj *o);
/* Takes a name away, with everything below a directory; what we hold becomes an orphan. */
void obj_detach(struct world *w, struct obj *dir, int name);
void obj_free_tree(struct obj *dir);
bool obj_is_empty(const struct obj *dir);
/* True when `o` is `dir` or above it. */
bool obj_above(const struct obj *o, const struct obj *dir);
unsigned obj_depth(const struct obj *dir);
/* Random attributes; a file's data, a link's target. */
void obj_randomize(struct world *w, struct obj *o);
mode_t obj_random_type(struct world *w);
struct timespec prop_random_time(struct world *w);
void obj_path(const struct obj *dir, int name, struct buf *ret);
/* Changes a file's size; what is new is zeros. */
void obj_resize(struct obj *o, size_t len);
void prop_collect(struct world *w);

/* --- prop_layers.c ------------------------------------------------------------------------ */

/* Puts a random layer on top of the layers and into the model. */
void layers_add_random(struct world *w);
/* Writes what changed as a layer, or takes the upper directory for one; it becomes the topmost of
 * w->layers without being counted in w->options. */
void layers_commit(struct world *w);

/* --- prop_ops.c --------------------------------------------------------------------------- */

/* Does one random operation on both. */
void ops_random(struct world *w);
void ops_forget_all(struct world *w);

/* --- prop_journal.c ----------------------------------------------------------------------- */

/* The journal's bytes, to be put back after the overlay was closed: as if it had been killed. */
void journal_keep(const struct world *w, struct buf *ret);
void journal_put_back(struct world *w, const struct buf *kept);
/* It knows only objects that there are. */
void journal_check(const struct world *w);

/* --- prop_check.c ------------------------------------------------------------------------- */

/* Compares all of it. `committed`: `ov` is made of layers alone. */
void check_tree(struct world *w, struct overlay *ov, bool committed);
