/* SPDX-License-Identifier: Apache-2.0 */
/* The store: everything wherry keeps on disk, one directory a user (docs/architecture.md, "On
 * disk").
 *
 * Rules. Data is written to tmp/, fsynced, renamed; a name appears only when its content is whole.
 * Locks are flocks on the object's own file, never held while data moves, and a reader never waits.
 * Everything is 0700/0600 whatever the umask. Nothing in the store names its own absolute path.
 * This library needs no libarchive and no libcrypto: what reads or writes image content is
 * store/content.h. */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"
#include "spec/image.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A read-only store below ours (store/lower.c). */
struct store_lower {
    char *root; /* absolute path */
    int fd;
};

struct store {
    char *root;    /* absolute path, as found or given: only for messages and helpers' arguments */
    char *runroot; /* absolute path of the run directory */
    int root_fd;
    int run_fd;
    struct store_lower *lowers; /* in the order in which they are searched */
    size_t n_lowers;
    char *claims; /* name of our directory of claims below tmp/; NULL until the first */
    int claims_fd;
    int claims_lock;
    pid_t claims_owner;           /* a forked child must not take its parent's claims away */
    pthread_mutex_t claims_mutex; /* layers of one image may be published by several threads */
    /* Removes a tree as remove_tree_at() does, with the files that belong to our subordinate ids;
     * whoever opened the store lends it (the store itself makes no namespaces). NULL: none. */
    int (*remove_foreign)(int dirfd, const char *path, struct err *err);
};

struct store_options {
    const char *root;    /* --root, else $WHERRY_ROOT, else $XDG_DATA_HOME/wherry, else
                            ~/.local/share/wherry */
    const char *runroot; /* --runroot, else $WHERRY_RUNROOT, else $XDG_RUNTIME_DIR/wherry, else
                            /tmp/wherry-UID-BOOTID, verified: ours, 0700, no link */
    const struct strv *image_stores; /* --imagestore: read-only stores below; empty or NULL:
                                        $WHERRY_IMAGESTORE, with colons between */
};

/* Opens the store, making what is missing. When $HOME is not ours (HOME=/root in a batch job), the
 * home directory comes from the user database. */
int store_open(const struct store_options *o, struct store *ret, struct err *err);
void store_close(struct store *s);

/* --- images ------------------------------------------------------------------------------- */

struct store_image {
    char *id;            /* hex of the config's digest: what `images` shows and -q prints */
    char *digest;        /* manifest digest, "sha256:..." */
    struct strv names;   /* full references, "docker.io/library/hello:latest"; empty: dangling */
    struct strv origins; /* for each name the digests by which its registry knows the image, with
                            blanks between, the manifest's first; `digest` when none told */
    struct strv layers;  /* diff ids, bottom first */
    json_t *labels;      /* object of strings */
    int64_t size;        /* bytes of the uncompressed layers */
    bool docker;         /* goes out with docker's manifest unless asked otherwise */
    int64_t created;     /* seconds since the epoch, 0 when the image does not say */
    long created_nsec;
    const struct store_lower *lower; /* the read-only store that lists it; NULL: ours does */
};

void store_image_done(struct store_image *img);

/* Finds by name (normalised; a short name also under localhost/), by id or by a unique prefix of
 * the id (with or without "sha256:"). ERR_NOT_FOUND: "NAME: image not known"; an ambiguous prefix
 * is an error that says so. */
int store_image_find(struct store *s, const char *name, struct store_image *ret, struct err *err);

/* All images, newest first, those of lower stores included, whose names that ours hides are left
 * out. The caller frees each and the array. */
int store_image_list(struct store *s, struct store_image **ret, size_t *ret_n, struct err *err);
/* Less than 0 when `a` was made before `b`, 0 when at the same time. */
int store_image_compare_age(const struct store_image *a, const struct store_image *b);
void store_image_list_done(struct store_image *all, size_t n);

/* The configuration, parsed; and the JSON as it is stored (new reference) when `ret_json`. */
int store_image_config(struct store *s, const struct store_image *img, struct image_config *ret,
                       json_t **ret_json, struct err *err);

/* Gives the image the full reference `name`; an image that had it loses it (and stays, dangling).
 * The name of an image of a lower store is in ours. */
int store_image_tag(struct store *s, const struct store_image *img, const char *name,
                    struct err *err);
/* Takes one name away; the image stays. A lower store's images keep theirs: -EROFS. */
int store_image_untag(struct store *s, const struct store_image *img, const char *name,
                      struct err *err);
/* Keeps by what digests the registry of `name` knows its image (struct store_image, origins); a
 * name that is gone meanwhile is nothing to worry about. */
void store_image_set_origin(struct store *s, const char *name, const char *digests);
/* The bytes of a small blob (a configuration, a manifest). */
int store_blob_read(struct store *s, const char *digest, struct buf *ret, struct err *err);
/* Removes the image with all its names, and every blob and index no other image uses. `check` (or
 * NULL) is asked first whether something needs the image, at a moment when no container can be made
 * of it; its error is returned and nothing is removed. */
int store_image_remove(struct store *s, const struct store_image *img,
                       int (*check)(void *arg, struct err *err), void *arg, struct err *err);

/* --- layers ------------------------------------------------------------------------------- */

#define STORE_IDENTITY 128
struct layer_files {
    char *tar, *index;         /* absolute paths */
    bool checked;              /* the index is as it was when a check of all of it found it good */
    char seen[STORE_IDENTITY]; /* which file the index was; "": there is none */
    int64_t changed;           /* when it was last changed, in seconds */
};

/* The files of a layer. -ENOENT when the layer is missing. A missing or damaged index is the
 * caller's to mend with content_layer_reindex(). Of a lower store's layer, the index is ours when
 * we have one, or when others could change the one that is there. */
int store_layer_files(struct store *s, const char *diff_id, struct layer_files *ret,
                      struct err *err);
void layer_files_done(struct layer_files *f);
/* The index that is meant by `f` was checked and is good. */
void store_layer_note_checked(struct store *s, const char *diff_id, const struct layer_files *f);
/* Bytes of the layer's tar. */
int store_layer_size(struct store *s, const char *diff_id, int64_t *ret, struct err *err);

/* Bytes that blobs and indexes take, those of our store only. What vanishes meanwhile is not
 * counted. */
int store_blobs_size(struct store *s, uint64_t *ret, struct err *err);

/* --- containers --------------------------------------------------------------------------- */

/* A container's directory is containers/<id>/ with config.json (written once), state.json, upper/,
 * work/, lock and files of the engine's. What the JSON means is the engine's business. */
struct store_container {
    char *id;
    char *name;
    char *path;     /* absolute path of its directory */
    int fd;         /* its directory */
    json_t *config; /* config.json */
    json_t *state;  /* state.json as last read; {} when it is missing or damaged */
    int lock;       /* > 0: the lock of its life, which its maker has until the first use */
};

void store_container_done(struct store_container *c);

/* Makes a container: directory, config.json, state.json, name. `config` must have "Id" and "Name".
 * ERR_EXISTS when the name is taken (the message names the holder's id). `image` (or NULL) is what
 * it is made of: ERR_NOT_FOUND when that, or one of its volumes, was removed meanwhile. Nothing is
 * left behind on failure. */
int store_container_create(struct store *s, const json_t *config, const json_t *state,
                           const struct store_image *image, struct store_container *ret,
                           struct err *err);

/* The id that names/<name> leads to, allocated: 0, or -ENOENT. */
int store_name_lookup(struct store *s, const char *name, char **ret_id);
/* By name, id or unique prefix of the id. ERR_NOT_FOUND:
 * `no container with name or ID "x" found: no such container`. */
int store_container_find(struct store *s, const char *name, struct store_container *ret,
                         struct err *err);
/* All, oldest first. One that vanishes meanwhile is left out. */
int store_container_list(struct store *s, struct store_container **ret, size_t *ret_n,
                         struct err *err);
/* Reads state.json again. */
int store_container_reload(struct store_container *c, struct err *err);
/* Replaces state.json atomically and c->state (takes a reference). */
int store_container_set_state(struct store_container *c, json_t *state, struct err *err);
/* Replaces config.json; the caller holds the lock. Lists keep their order. */
int store_container_set_config(struct store_container *c, json_t *config, struct err *err);
/* Gives it another name, or its own again; the caller holds the lock. */
int store_container_rename(struct store *s, struct store_container *c, const char *name,
                           struct err *err);
/* c->name is what it is called now: it may have got another name since it was opened. */
void store_container_refresh_name(struct store *s, struct store_container *c);
/* Exclusive lock of this container's life cycle (start, stop, rm): returns an fd to close. Says who
 * is waited for when it has to wait longer than 15 seconds (-ETIMEDOUT). Who made the container has
 * it already: what `run` makes, nobody prunes before it was started. */
int store_container_lock(struct store_container *c, struct err *err);
/* Lets go of the lock that its maker has. */
void store_container_let_go(struct store_container *c);
/* Removes name and directory. The caller holds the lock and has seen the container dead. */
int store_container_remove(struct store *s, struct store_container *c, struct err *err);
/* Removes a directory that a run left in the container's, whoever of its users owns what is in it.
 */
int store_container_remove_part(struct store *s, const struct store_container *c, const char *name,
                                struct err *err);
/* The run directory runroot/<id>, made when missing. Returns its fd. */
int store_container_run_dir(struct store *s, const char *id, struct err *err);
int store_container_remove_run_dir(struct store *s, const char *id, struct err *err);

/* Removes everything of the store and the run directory. No container may be left. Whatever else is
 * in the root directory stays. */
int store_remove_all(struct store *s, struct err *err);

/* --- volumes ------------------------------------------------------------------------------ */

/* A volume is volumes/<name>/ with volume.json (written once), _data (what is mounted), lock, and
 * the file `fresh` until a container used it for the first time (docs/formats.md). */
struct store_volume {
    char *name;
    char *path;     /* absolute path of its directory */
    int fd;         /* its directory */
    json_t *config; /* volume.json; always with "Name" */
};
/* remove_tree_at(), also of what belongs to our subordinate ids. */
int store_remove_tree_at(struct store *s, int dirfd, const char *path, struct err *err);
void store_volume_done(struct store_volume *v);
void store_volume_list_done(struct store_volume *all, size_t n);
bool store_volume_name_valid(const char *name);

/* Makes the volume `config` names. `durable`: it must outlive a power failure. ERR_EXISTS when
 * there is one. */
int store_volume_create(struct store *s, const json_t *config, bool durable,
                        struct store_volume *ret, struct err *err);
/* By name or unique start of it. ERR_NOT_FOUND: `no volume with name "x" found: no such volume`. */
int store_volume_find(struct store *s, const char *name, struct store_volume *ret, struct err *err);
/* By its whole name. */
int store_volume_open(struct store *s, const char *name, struct store_volume *ret, struct err *err);
/* All, by name. */
int store_volume_list(struct store *s, struct store_volume **ret, size_t *ret_n, struct err *err);
/* {"volume": [ids of containers that have it]}: a new reference. */
int store_volume_users(struct store *s, json_t **ret, struct err *err);
/* The lock of whoever fills or removes the volume: an fd to close. ERR_NOT_FOUND when it was
 * removed meanwhile. */
int store_volume_lock(struct store_volume *v, struct err *err);
/* Removes it. ERR_IN_USE, with their ids, when containers have it. */
int store_volume_remove(struct store *s, struct store_volume *v, struct err *err);

/* --- staging and garbage ------------------------------------------------------------------ */

/* A fresh directory below tmp/ for a build step or an import: absolute path in *ret_path, and an fd
 * that holds its lock, the file "lock" inside it (a directory in tmp/ whose lock nobody holds is
 * garbage). The caller removes it with remove_tree_at() and then closes the fd. */
int store_staging_dir(struct store *s, char **ret_path, struct err *err);

/* The right to bring one layer into the store: two pulls at once fetch it once. */
struct store_fetch {
    struct store *store;
    char *name;
    int lock;
};
/* Waits while another has it, after calling waiting(arg) (or NULL) once. Whether the layer is there
 * now is for the caller to see. */
int store_fetch_begin(struct store *s, const char *diff_id, void (*waiting)(void *arg), void *arg,
                      struct store_fetch *ret, struct err *err);
void store_fetch_done(struct store_fetch *f);

/* Keeps a blob (layer, config, manifest) from being removed until this store is closed or the
 * process ends. -ENOENT when it is not there; the claim stands then too. A build claims the layers
 * of its base image. */
int store_blob_claim(struct store *s, const char *digest, struct err *err);
/* Removes what dead processes left: directories in tmp/, and blobs and indexes that no image in
 * index.json leads to and nobody claims. */
int store_collect_garbage(struct store *s, struct err *err);
/* The same when the dead left something in tmp/, which costs one look when they did not. Never
 * waits for another writer of index.json: that one may do it. */
void store_tidy(struct store *s);
/* After a failure: gives up what this store has claimed, and removes it unless it is in use. */
void store_abandon(struct store *s);

DEFINE_AUTO(layer_files, layer_files_done)
DEFINE_AUTO(store, store_close)
DEFINE_AUTO(store_fetch, store_fetch_done)
DEFINE_AUTO(store_image, store_image_done)
DEFINE_AUTO(store_container, store_container_done)
DEFINE_AUTO(store_volume, store_volume_done)
