/* SPDX-License-Identifier: Apache-2.0 */
/* Staging directories, claims on blobs, and the garbage of the dead.
 *
 * Theory of operation. Everything in tmp/ is a directory with a file "lock" that its maker holds
 * with flock as long as it lives. Making one (mkdir, create, flock) happens under the shared index
 * lock, and looking for dead ones under the exclusive one, so that nobody is seen half-made: a
 * directory whose lock is free or missing is dead and stays so.
 *
 * A writer's layers are in blobs/ before index.json knows of them. Until then it holds claims:
 * empty files named as the digest in a staging directory "claims-...". A claim is made under the
 * shared index lock together with the look whether the blob is there (or with the rename that puts
 * it there); whoever removes blobs reads the claims of the living and unlinks under the exclusive
 * lock. So a blob that a writer has seen cannot vanish before its image is listed, and neither side
 * waits while data moves. Claims end with the process or store_close(). */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CLAIMS_PREFIX "claims-"

/* Under the shared index lock. */
static int make_locked(struct store *s, const char *prefix, struct staging *ret, struct err *err)
{
    char id[ID_HEX_LEN + 1];
    id_random(id);
    struct staging st = {.store = s, .fd = -1, .lock = -1};
    st.name = xasprintf("%s%.24s", prefix, id);
    auto_free char *path = xasprintf(TMP_DIR "/%s", st.name);
    int r = store_mkdir(s->root_fd, path, err);
    if (r == 0 && (st.fd = open_dir_at(s->root_fd, path, err)) < 0)
        r = st.fd;
    if (r == 0) {
        st.lock = openat(st.fd, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        r = st.lock < 0 || fchmod(st.lock, 0600) < 0
                ? err_errno(err, -errno, "create %s/lock", path)
                : lock_fd(st.lock, true, false, err);
    }
    if (r < 0) {
        store_staging_done(&st);
        return r;
    }
    *ret = st;
    return 0;
}

int store_staging_make(struct store *s, struct staging *ret, struct err *err)
{
    auto_close int lock = store_index_lock(s, false, err);
    return lock < 0 ? lock : make_locked(s, "", ret, err);
}

void store_staging_done(struct staging *st)
{
    if (st->name) {
        auto_free char *path = xasprintf(TMP_DIR "/%s", st->name);
        struct err err = {0};
        if (remove_tree_at(st->store->root_fd, path, &err) < 0)
            log_debug("%s", err.message);
    }
    free(take_ptr(st->name));
    close_fd(&st->fd);
    close_fd(&st->lock);
}

int store_staging_dir(struct store *s, char **ret_path, struct err *err)
{
    struct staging st;
    int r = store_staging_make(s, &st, err);
    if (r < 0)
        return r;
    *ret_path = xasprintf("%s/" TMP_DIR "/%s", s->root, st.name);
    free(st.name);
    close(st.fd);
    return st.lock;
}

/* --- claims ------------------------------------------------------------------------------- */

static int make_claims(struct store *s, struct err *err)
{
    struct staging st;
    pthread_mutex_lock(&s->claims_mutex);
    int r = s->claims ? 0 : make_locked(s, CLAIMS_PREFIX, &st, err);
    if (r == 0 && !s->claims) {
        s->claims = st.name;
        s->claims_fd = st.fd;
        s->claims_lock = st.lock;
        s->claims_owner = getpid();
    }
    pthread_mutex_unlock(&s->claims_mutex);
    return r;
}

/* Under the shared index lock. */
static int claim(struct store *s, const char *digest, struct err *err)
{
    if (!digest_valid(digest))
        return err_set(err, -EINVAL, "\"%.80s\" is not a sha256 digest", digest);
    int r = make_claims(s, err);
    if (r < 0)
        return r;
    int fd = openat(s->claims_fd, digest_hex(digest), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, -errno, "claim %s", digest);
    close(fd);
    return 0;
}

int store_blob_claim(struct store *s, const char *digest, struct err *err)
{
    auto_close int lock = store_index_lock(s, false, err);
    if (lock < 0)
        return lock;
    int r = claim(s, digest, err);
    if (r < 0)
        return r;
    struct store_place place;
    if (!store_blob_find(s, digest, &place))
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "%s is not in the store", digest);
    return 0;
}

int store_blob_publish(const struct staging *st, const char *staged, const char *digest,
                       struct err *err)
{
    struct store *s = st->store;
    auto_close int lock = store_index_lock(s, false, err);
    if (lock < 0)
        return lock;
    int r = claim(s, digest, err);
    if (r < 0)
        return r;
    struct blob_path path = store_blob_path(digest);
    struct stat have, made;
    if (fstatat(st->fd, staged, &made, AT_SYMLINK_NOFOLLOW) < 0)
        return err_errno(err, -errno, "stat %s", staged);
    /* One of another size is damaged: the new one mends it. */
    if (fstatat(s->root_fd, path.s, &have, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(have.st_mode) &&
        have.st_size == made.st_size)
        return 0;
    if (renameat(st->fd, staged, s->root_fd, path.s) < 0)
        return err_errno(err, -errno, "publish %s", digest);
    return store_sync_dir(s->root_fd, BLOBS_DIR, err);
}

void store_claims_drop(struct store *s)
{
    struct staging st = {.store = s, .name = s->claims, .fd = s->claims_fd, .lock = s->claims_lock};
    if (s->claims && s->claims_owner != getpid())
        free(take_ptr(st.name));
    s->claims = NULL;
    store_staging_done(&st);
    s->claims_fd = s->claims_lock = -1;
}

/* --- the dead ----------------------------------------------------------------------------- */

/* Whether the maker of tmp/<name> is dead. Under the exclusive index lock. */
static bool is_dead(int tmp_fd, const char *name)
{
    auto_free char *path = xasprintf("%s/lock", name);
    auto_close int fd = openat(tmp_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    return lock_fd(fd, true, false, NULL) == 0;
}

int store_claims_collect(struct store *s, json_t *set, struct err *err)
{
    auto_close int tmp_fd = open_dir_at(s->root_fd, TMP_DIR, err);
    if (tmp_fd < 0)
        return tmp_fd;
    auto_strv names = {0};
    int r = list_dir_at(tmp_fd, ".", &names, err);
    if (r < 0)
        return r;
    strv_foreach (&names, name) {
        if (strncmp(name, CLAIMS_PREFIX, strlen(CLAIMS_PREFIX)) != 0)
            continue;
        bool own = s->claims && strcmp(name, s->claims) == 0;
        if (!own && is_dead(tmp_fd, name))
            continue;
        auto_strv claims = {0};
        struct err e = {0};
        r = list_dir_at(tmp_fd, name, &claims, &e);
        if (r == -ENOENT) /* its owner is just going */
            continue;
        if (r < 0)
            return err_set(err, r, "%s", e.message);
        strv_foreach (&claims, hex)
            json_put(set, hex, json_true());
    }
    return 0;
}

/* Names of dead directories; and the temporary files of writers of index.json who died. */
static int find_dead(struct store *s, struct strv *ret_dead, struct err *err)
{
    auto_strv names = {0}, here = {0};
    int r = list_dir_at(s->root_fd, TMP_DIR, &names, err);
    if (r == 0)
        r = list_dir_at(s->root_fd, ".", &here, err);
    auto_close int tmp_fd = r < 0 ? -1 : open_dir_at(s->root_fd, TMP_DIR, err);
    if (tmp_fd < 0)
        return r < 0 ? r : tmp_fd;
    strv_foreach (&names, name)
        if (is_dead(tmp_fd, name))
            strv_addf(ret_dead, TMP_DIR "/%s", name);
    strv_foreach (&here, name)
        if (strncmp(name, ".tmp-", 5) == 0)
            strv_add(ret_dead, name);
    return 0;
}

/* Our index of a layer that a lower store has: of no use to any image of ours, perhaps, and made
 * again only by reading the whole layer. */
static bool is_index_of_lower(struct store *s, const char *dir, const char *name)
{
    auto_free char *digest = xasprintf("sha256:%s", name);
    struct store_place place;
    return strcmp(dir, INDEX_DIR) == 0 && s->n_lowers && digest_valid(digest) &&
           store_blob_find(s, digest, &place) && place.lower;
}

/* Adds the paths of what is in `dir` and not in the set. */
static int list_unused(struct store *s, const char *dir, const json_t *used, struct strv *ret,
                       struct err *err)
{
    auto_strv names = {0};
    int r = exists_at(s->root_fd, dir) ? list_dir_at(s->root_fd, dir, &names, err) : 0;
    strv_foreach (&names, name)
        if (!json_object_get(used, name) && !is_index_of_lower(s, dir, name))
            strv_addf(ret, "%s/%s", dir, name);
    return r;
}

int store_garbage_list(struct store *s, struct strv *ret_unused, struct strv *ret_dead,
                       struct err *err)
{
    static const char *const dirs[] = {BLOBS_DIR, INDEX_DIR, ORIGINS_DIR};
    auto_json json_t *used = json_object(), *index = NULL;
    int r = find_dead(s, ret_dead, err);
    if (r == 0)
        r = store_index_read(s, &index, err);
    if (r == 0)
        r = store_usage_all(s, index, used, err);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && r == 0; i++)
        r = list_unused(s, dirs[i], used, ret_unused, err);
    return r;
}

/* Under the exclusive index lock `lock`, which it releases. The dead are removed even when it
 * cannot be told what is unused. */
static int collect(struct store *s, int lock, struct err *err)
{
    auto_strv unused = {0}, dead = {0};
    int r = store_garbage_list(s, &unused, &dead, err);
    for (size_t i = 0; i < unused.len && r == 0; i++)
        if (unlinkat(s->root_fd, unused.v[i], 0) < 0 && errno != ENOENT)
            r = err_errno(err, -errno, "remove %s", unused.v[i]);
    strv_foreach (&unused, path)
        if (strncmp(path, INDEX_DIR "/", strlen(INDEX_DIR "/")) == 0)
            store_layer_forget(s, path + strlen(INDEX_DIR "/"));
    close(lock); /* removing trees takes time, and nobody revives the dead */
    strv_foreach (&dead, path) {
        int q = store_remove_tree(s, path, r < 0 ? NULL : err);
        r = r < 0 ? r : q;
    }
    return r;
}

int store_collect_garbage(struct store *s, struct err *err)
{
    int lock = store_index_lock(s, true, err);
    return lock < 0 ? lock : collect(s, lock, err);
}

void store_tidy(struct store *s)
{
    auto_strv names = {0}, dead = {0};
    struct err err = {0};
    if (list_dir_at(s->root_fd, TMP_DIR, &names, NULL) < 0 || names.len == 0)
        return;
    auto_close int lock = openat(s->root_fd, "index.lock", O_RDWR | O_CLOEXEC);
    if (lock < 0 || lock_fd(lock, true, false, NULL) < 0 || find_dead(s, &dead, &err) < 0)
        return;
    if (dead.len && collect(s, take_fd(&lock), &err) < 0)
        log_debug("garbage: %s", err.message);
}

void store_abandon(struct store *s)
{
    struct err err = {0};
    store_claims_drop(s);
    if (store_collect_garbage(s, &err) < 0)
        log_debug("garbage: %s", err.message);
}
