/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the store share. Nothing outside store/ includes this. */
#pragma once

#include "base/json.h"
#include "store/store.h"

#include <sys/stat.h>

#define BLOBS_DIR       "blobs/sha256"
#define INDEX_DIR       "index"
#define TMP_DIR         "tmp"
#define TRANSIENT_FILE  "transient"
#define ORIGINS_DIR     "origins"
#define ANNOTATION_NAME "org.opencontainers.image.ref.name"
/* Of an entry with a name: the digests by which the name's registry knows the image. */
#define ANNOTATION_ORIGIN "wherry.origin-digests"
/* Of a manifest that goes out in another form than the store's, which is always OCI's. */
#define ANNOTATION_TYPE "wherry.manifest-type"

/* "blobs/sha256/<hex>" and "index/<hex>" of a digest that was checked. */
struct blob_path {
    char s[sizeof(BLOBS_DIR) + 1 + 64];
};
struct blob_path store_blob_path(const char *digest);
struct blob_path store_index_path(const char *digest);

/* mkdir with mode 0700 whatever the umask; an existing one is success. */
int store_mkdir(int dirfd, const char *path, struct err *err);
/* Syncs the directory `path`. */
int store_sync_dir(int dirfd, const char *path, struct err *err);

/* Whether a store has a file or directory of this name in its root. */
bool store_is_own_name(const char *name);
/* Writes the file oci-layout. */
int store_write_layout(struct store *s, struct err *err);
/* The directories that a store has; ends in NULL. */
extern const char *const store_directories[];

/* --- lower.c ------------------------------------------------------------------------------ */

int store_lowers_open(struct store *s, const struct strv *dirs, struct err *err);
void store_lowers_close(struct store *s);

/* Where to look: ours is the 0th, then the lower stores. All is borrowed. */
struct store_place {
    int fd;
    const char *root;
    const struct store_lower *lower; /* NULL: ours */
};
struct store_place store_place(const struct store *s, size_t i);
/* The first place that has the blob; false when none does. */
bool store_blob_find(const struct store *s, const char *digest, struct store_place *ret);
/* Whether the place has an index of the layer that nobody but us and root can change; what it is.
 */
bool store_index_usable(const struct store_place *p, const char *digest, struct stat *ret);

/* --- layers.c ----------------------------------------------------------------------------- */

/* The index of that layer goes: what is noted of it too. */
void store_layer_forget(struct store *s, const char *hex);
/* Whether the run directory's entry holds such notes. */
bool store_is_layer_notes(const char *name);

/* --- containers.c ------------------------------------------------------------------------- */

/* Whether the container is there and has that name. */
bool store_name_is_held(struct store *s, const char *name, const char *id);
/* Whether the container of this directory goes at its end, so that nothing of it is synced. */
bool store_container_is_transient(int fd);
/* Makes the link names/<name>. ERR_EXISTS when it is there. Under the index lock. */
int store_name_reserve(struct store *s, const char *name, const char *id, struct err *err);

/* Letters, digits, "_", "." and "-", the first one a letter or digit. */
bool store_object_name_valid(const char *name);

/* --- volumes.c ---------------------------------------------------------------------------- */

/* Whether all volumes of a container's config.json are there: 0 or ERR_NOT_FOUND. Under the index
 * lock. */
int store_volumes_exist(struct store *s, const json_t *container, struct err *err);
/* store_remove_tree_at() below the root directory. */
int store_remove_tree(struct store *s, const char *path, struct err *err);

/* --- staging.c ---------------------------------------------------------------------------- */

/* A directory of ours in tmp/: removed by store_staging_done() unless `name` was taken. */
struct staging {
    struct store *store;
    char *name; /* below tmp/ */
    int fd;
    int lock;
};
int store_staging_make(struct store *s, struct staging *ret, struct err *err);
void store_staging_done(struct staging *st);
DEFINE_AUTO(staging, store_staging_done)

/* Adds the hex of every blob that a living process claims to the set. Under the index lock. */
int store_claims_collect(struct store *s, json_t *set, struct err *err);
void store_claims_drop(struct store *s);

/* What the dead left: paths of blobs, indexes and origins that no image and no living writer needs,
 * and of directories and files whose makers are gone. Under the exclusive index lock; the unused
 * must be removed before that is let go, because a writer may claim them then. */
int store_garbage_list(struct store *s, struct strv *ret_unused, struct strv *ret_dead,
                       struct err *err);

/* Claims the digest and gives the staged file its name in blobs/ unless it is there already. The
 * staged file is synced. */
int store_blob_publish(const struct staging *st, const char *staged, const char *digest,
                       struct err *err);

/* --- index_json.c ------------------------------------------------------------------------- */

/* flock that gives up after a while: ERR_IN_USE, "WHAT is locked by process 1 (x) for more than 15
 * seconds". In lock.c. */
int store_lock_patiently(int fd, bool exclusive, const char *what, struct err *err);

/* The lock of index.json and of every decision about which blobs are in use (docs/formats.md,
 * "Store"). Short: no content moves under it. Returns the fd to close. */
int store_index_lock(struct store *s, bool exclusive, struct err *err);
/* Every entry was checked: an object with a valid digest and size. */
int store_index_read(struct store *s, json_t **ret, struct err *err);
int store_index_read_place(const struct store_place *p, json_t **ret, struct err *err);
int store_index_write(struct store *s, const json_t *index, struct err *err);
/* The same for an index with less in it, which is written on a full disk, too (index_spare.c). */
int store_index_write_less(struct store *s, const json_t *index, struct err *err);
/* Makes what that takes, if there is none and there is room. Under the exclusive lock. */
void store_index_keep_spare(struct store *s);

json_t *store_index_entries(const json_t *index);
/* Borrowed; the name is NULL for an image without one. */
const char *store_entry_digest(const json_t *entry);
const char *store_entry_name(const json_t *entry);
bool store_entry_is_image(const json_t *entry);
/* Whether `digest` is listed. */
bool store_index_has(const json_t *index, const char *digest);
/* Takes the name from whoever has it; that image stays, dangling when this was its last. True when
 * something had it. */
bool store_index_drop_name(json_t *index, const char *name);
/* Lists `digest` under `name`, which nobody has; without a name only if it is not listed at all. */
void store_index_add(json_t *index, const char *digest, int64_t size, const char *name);
/* Keeps with the entry of `name` by what digests its registry knows the image (a list with blanks
 * between). */
void store_index_set_origin(json_t *index, const char *name, const char *digests);
/* What was kept and is valid, or NULL. Borrowed. */
const char *store_entry_origin(const json_t *entry);
void store_index_drop_digest(json_t *index, const char *digest);
/* All names of `digest`; parallel to them what was kept with each, else `digest`. */
void store_index_names(const json_t *index, const char *digest, struct strv *ret_names,
                       struct strv *ret_origins);

/* --- images.c ----------------------------------------------------------------------------- */

/* That `name` is a reference in full, as image_ref_string() writes it. */
int store_check_full_name(const char *name, struct err *err);
int store_read_blob_json(struct store *s, const char *digest, json_t **ret, struct err *err);
/* Reads manifest and configuration. Copies the names. */
int store_image_load(struct store *s, const json_t *index, const char *digest,
                     struct store_image *ret, struct err *err);

/* --- usage.c ------------------------------------------------------------------------------ */

/* Adds the hex of everything the manifest (or nested index) `digest` leads to, itself included.
 * What is damaged or missing leads nowhere; an error means that it could not be read now. */
int store_usage_mark(struct store *s, const char *digest, json_t *set, struct err *err);
/* The same for all of index.json, and claims. Under the index lock. */
int store_usage_all(struct store *s, const json_t *index, json_t *set, struct err *err);
