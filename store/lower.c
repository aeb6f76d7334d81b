/* SPDX-License-Identifier: Apache-2.0 */
/* Read-only image stores below ours: an administrator's, a project's, a mounted medium.
 *
 * Theory of operation. What is looked for is looked for in our store first and then in the lower
 * ones, in their order. Blobs are named by their content, so it does not matter where one is found;
 * of names the first counts. Nothing is locked, written or removed below: a name that is given to
 * an image of a lower store, and an index that is missing there, go into ours.
 *
 * A lower store may belong to somebody else, who may change it while we read. Manifests and
 * configurations are read once and parsed as those of a registry are. An index is mapped, checked
 * once and then relied on, so one that others than we and root can write is never used: the layer
 * gets an index of ours, made from its tar (store_layer_files). The tar's bytes are only ever
 * handed on. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool same_directory(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int open_one(struct store *s, const char *dir, struct err *err)
{
    struct store_lower l = {.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (l.fd < 0)
        return err_errno(err, -errno, "image store %s", dir);
    auto_close int fd = l.fd;
    if (!exists_at(fd, "index.json") || !exists_at(fd, BLOBS_DIR))
        return err_set(err, -EINVAL, "image store %s: not a store, or not readable", dir);
    if (same_directory(fd, s->root_fd))
        return 0; /* nothing that we do not have */
    int r = path_absolute(dir, &l.root, err);
    if (r < 0)
        return r;
    take_fd(&fd);
    s->lowers = xrealloc(s->lowers, s->n_lowers + 1, sizeof(*s->lowers));
    s->lowers[s->n_lowers++] = l;
    return 0;
}

int store_lowers_open(struct store *s, const struct strv *dirs, struct err *err)
{
    auto_strv from_env = {0};
    const char *env = getenv("WHERRY_IMAGESTORE");
    if (!(dirs && dirs->len) && env)
        strv_split(&from_env, env, ':');
    const struct strv *all = dirs && dirs->len ? dirs : &from_env;
    for (size_t i = 0; i < all->len; i++) {
        int r = *all->v[i] ? open_one(s, all->v[i], err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

void store_lowers_close(struct store *s)
{
    for (size_t i = 0; i < s->n_lowers; i++) {
        free(s->lowers[i].root);
        close(s->lowers[i].fd);
    }
    free(take_ptr(s->lowers));
    s->n_lowers = 0;
}

struct store_place store_place(const struct store *s, size_t i)
{
    if (i == 0)
        return (struct store_place){.fd = s->root_fd, .root = s->root};
    const struct store_lower *l = &s->lowers[i - 1];
    return (struct store_place){.fd = l->fd, .root = l->root, .lower = l};
}

bool store_blob_find(const struct store *s, const char *digest, struct store_place *ret)
{
    struct blob_path path = store_blob_path(digest);
    for (size_t i = 0; i <= s->n_lowers; i++) {
        struct store_place p = store_place(s, i);
        if (!exists_at(p.fd, path.s))
            continue;
        *ret = p;
        return true;
    }
    return false;
}

bool store_index_usable(const struct store_place *p, const char *digest, struct stat *ret)
{
    struct blob_path path = store_index_path(digest);
    return fstatat(p->fd, path.s, ret, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(ret->st_mode) &&
           (ret->st_uid == geteuid() || ret->st_uid == 0) && (ret->st_mode & 022) == 0 &&
           faccessat(p->fd, path.s, R_OK, AT_EACCESS) == 0;
}
