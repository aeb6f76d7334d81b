/* SPDX-License-Identifier: Apache-2.0 */
/* The first use of a volume.
 *
 * Theory of operation. A volume has the file `fresh` until a container used it. Whoever finds it
 * takes the volume's lock, looks again, and if _data is empty fills the directory `_new` beside it,
 * which at the end gets the name _data by one rename: a half-copied volume is never seen. After it
 * `fresh` goes. What a crash leaves is a `_new` that the next one removes, or a full volume that is
 * still called fresh, and is left alone as it is not empty.
 *
 * The tree is read through the overlay core, as the container would see it, in a child that is root
 * in a user namespace with all ids of the user (the container's may lack his own, and with it the
 * power over his directories), so that it can give everything its owner: the id which that owner
 * has outside of the container. With a single id everything stays the user's. */
#include "engine/volume_copyup.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/volume_options.h"
#include "overlay-fuse/core.h"
#include "runtime/idmap.h"
#include "runtime/userns_run.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)
#define NEW   "_new"

/* A directory gets its mode and times when everything in it is there. */
struct made_dir {
    char *path;
    struct stat st;
};

struct copy {
    const struct overlay_options *overlay; /* NULL: nothing is copied */
    const char *source;                    /* in the container */
    int64_t uid, gid;          /* of the volume's root, in the container; -1: the image's */
    int fd;                    /* the volume's directory */
    const struct id_maps *ids; /* the container's */
    struct id_maps all;        /* the child's */
    bool no_sync;              /* the volume goes with its container */
    /* of the child */
    int to; /* _new */
    char *chunk;
    struct made_dir *dirs;
    size_t n_dirs, cap;
};

static void take_owner(const struct copy *job, struct stat *st)
{
    if (job->uid >= 0)
        st->st_uid = (uid_t)job->uid;
    if (job->gid >= 0)
        st->st_gid = (gid_t)job->gid;
}

/* --- one object, in the child --------------------------------------------------------------- */

static uint32_t from_outside(const struct id_range *r, size_t n, uint32_t id)
{
    int64_t inside = id_map_inside(r, n, id);
    return inside < 0 ? 0 : (uint32_t)inside;
}

/* An owner that the container does not know is its root, and without one the user. */
static uint32_t outside(const struct id_range *r, size_t n, uint32_t id, uint32_t self)
{
    int64_t found = id_map_outside(r, n, id);
    if (found < 0)
        found = id_map_outside(r, n, 0);
    return found < 0 ? self : (uint32_t)found;
}

static uid_t outside_uid(const struct copy *job, const struct stat *st)
{
    return job->ids->single ? geteuid()
                            : outside(job->ids->uids, job->ids->n_uids, st->st_uid, geteuid());
}

static gid_t outside_gid(const struct copy *job, const struct stat *st)
{
    return job->ids->single ? getegid()
                            : outside(job->ids->gids, job->ids->n_gids, st->st_gid, getegid());
}

static int set_owner(const struct copy *job, const char *path, const struct stat *st)
{
    const struct id_maps *m = &job->all;
    if (m->single || job->ids->single)
        return 0;
    uid_t uid = from_outside(m->uids, m->n_uids, outside_uid(job, st));
    gid_t gid = from_outside(m->gids, m->n_gids, outside_gid(job, st));
    return fchownat(job->to, path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int set_attributes(const struct copy *job, const char *path, const struct stat *st)
{
    const struct timespec times[2] = {st->st_mtim, st->st_mtim};
    const char *at = *path ? path : ".";
    int r = set_owner(job, at, st);
    if (r < 0)
        return r;
    if (!S_ISLNK(st->st_mode) && fchmodat(job->to, at, st->st_mode & 07777, 0) < 0)
        return -errno;
    return utimensat(job->to, at, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Those that a user may not have on this file system are left out: `security.capability` needs ids
 * of one's own, others a file system that knows them. */
static int set_xattrs(int fd, const struct overlay_change *c)
{
    for (size_t i = 0; i < c->n_xattrs; i++) {
        const struct overlay_xattr *x = &c->xattrs[i];
        if (fsetxattr(fd, x->name, x->value, x->len, 0) < 0 && (errno == ENOSPC || errno == EDQUOT))
            return -errno;
    }
    return 0;
}

static int copy_data(struct copy *job, const struct overlay_change *c, int fd)
{
    for (uint64_t at = 0;;) {
        ssize_t n = overlay_change_read(c, job->chunk, CHUNK, at);
        int r = n > 0 ? write_full(fd, job->chunk, (size_t)n) : (int)n;
        if (r < 0 || n == 0)
            return r;
        at += (uint64_t)n;
    }
}

static int put_file(struct copy *job, const struct overlay_change *c)
{
    auto_close int fd =
        openat(job->to, c->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r = fd < 0 ? -errno : copy_data(job, c, fd);
    if (r == 0)
        r = set_attributes(job, c->path, &c->st);
    return r < 0 ? r : set_xattrs(fd, c); /* last: a change of owner drops capabilities */
}

static int put_dir(struct copy *job, const struct overlay_change *c)
{
    if (*c->path && mkdirat(job->to, c->path, 0700) < 0)
        return -errno;
    auto_close int fd =
        openat(job->to, *c->path ? c->path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    grow_array(job->dirs, job->n_dirs, job->cap);
    job->dirs[job->n_dirs] = (struct made_dir){xstrdup(c->path), c->st};
    if (!*c->path)
        take_owner(job, &job->dirs[job->n_dirs].st);
    job->n_dirs++;
    return fd < 0 ? -errno : set_xattrs(fd, c);
}

static int put_link(struct copy *job, const struct overlay_change *c)
{
    if (symlinkat(c->link, job->to, c->path) < 0)
        return -errno;
    return set_attributes(job, c->path, &c->st);
}

static int put_node(struct copy *job, const struct overlay_change *c)
{
    if (mknodat(job->to, c->path, c->st.st_mode, 0) < 0)
        return -errno;
    return set_attributes(job, c->path, &c->st);
}

static int put_change(void *arg, const struct overlay_change *c, struct err *err)
{
    struct copy *job = arg;
    int r;
    /* A device cannot be made by a user, and the volume is nodev. */
    if (S_ISCHR(c->st.st_mode) || S_ISBLK(c->st.st_mode))
        return 0;
    if (c->hard_link)
        r = linkat(job->to, c->hard_link, job->to, c->path, 0) < 0 ? -errno : 0;
    else if (S_ISDIR(c->st.st_mode))
        r = put_dir(job, c);
    else if (S_ISREG(c->st.st_mode))
        r = put_file(job, c);
    else
        r = S_ISLNK(c->st.st_mode) ? put_link(job, c) : put_node(job, c);
    return r < 0 ? err_errno(err, r, "%.400s", c->path) : 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

/* In the child. */
static int make_new(struct copy *job, struct err *err)
{
    if (mkdirat(job->fd, NEW, 0700) < 0)
        return err_errno(err, -errno, "mkdir " NEW);
    job->to = open_dir_at(job->fd, NEW, err);
    return job->to < 0 ? job->to : 0;
}

/* In the child: an empty directory of the container's root. */
static int fill_empty(void *arg, struct err *err)
{
    struct copy *job = arg;
    struct stat st = {.st_mode = S_IFDIR | 0755, .st_mtim = time_now()};
    take_owner(job, &st);
    int r = make_new(job, err);
    if (r == 0 && (r = set_attributes(job, "", &st)) < 0)
        err_errno(err, r, NEW);
    return r;
}

/* In the child: what the image has. */
static int fill_new(void *arg, struct err *err)
{
    struct copy *job = arg;
    int r = make_new(job, err);
    if (r < 0)
        return r;
    job->chunk = xcalloc(1, CHUNK);
    r = overlay_subtree(job->overlay, job->source, put_change, job, err);
    for (size_t i = job->n_dirs; i-- > 0 && r == 0;) {
        r = set_attributes(job, job->dirs[i].path, &job->dirs[i].st);
        if (r < 0)
            err_errno(err, r, "%.400s", job->dirs[i].path);
    }
    if (r == 0 && !job->no_sync && syncfs(job->to) < 0)
        r = err_errno(err, -errno, "sync");
    return r;
}

static int note_entry(void *arg, const char *name, const struct stat *st)
{
    *(bool *)arg = false;
    return 1;
}

/* What is in the volume's place: -ENOENT when there is no directory. */
static int look_up(const struct copy *job, struct stat *ret, bool *ret_empty, struct err *err)
{
    auto_overlay ov = NULL;
    if (!job->overlay)
        return -ENOENT;
    int r = overlay_open(job->overlay, &ov, err);
    if (r < 0)
        return r;
    *ret_empty = true;
    r = overlay_stat(ov, job->source, 0, ret);
    if (r == 0 && !S_ISDIR(ret->st_mode))
        r = -ENOENT;
    if (r == 0)
        r = overlay_list(ov, job->source, note_entry, ret_empty);
    if (r < 0)
        return r;
    take_owner(job, ret);
    return 0;
}

static int data_is_empty(int fd, bool *ret, struct err *err)
{
    auto_strv names = {0};
    struct err e = {0};
    int r = list_dir_at(fd, "_data", &names, &e);
    *ret = r == 0 && names.len == 0;
    /* One that another's users closed to us is not empty. */
    return r == 0 || r == -EACCES ? 0 : err_set(err, r, "%s", e.message);
}

/* _new takes the place of the empty _data. */
static int replace_data(struct store *s, struct copy *job, int (*fill)(void *arg, struct err *err),
                        struct err *err)
{
    int r = store_remove_tree_at(s, job->fd, NEW, err);
    if (r == 0)
        r = id_maps_choose(&job->all, err);
    if (r == 0)
        r = userns_run(&job->all, fill, job, err);
    if (r == 0 && renameat(job->fd, NEW, job->fd, "_data") < 0)
        r = err_errno(err, -errno, "rename " NEW);
    if (r < 0)
        store_remove_tree_at(s, job->fd, NEW, NULL);
    else if (fsync(job->fd) < 0)
        r = err_errno(err, -errno, "sync");
    return r;
}

static bool has_owner(const struct copy *job)
{
    return job->uid > 0 || job->gid > 0;
}

/* Whether a directory that stays the user's is somebody's in the container. */
static bool knows_user(const struct id_maps *m)
{
    return m->single || id_map_inside(m->uids, m->n_uids, geteuid()) >= 0;
}

static int copy_up(struct store *s, struct copy *job, struct err *err)
{
    struct stat st;
    bool empty = false, nothing = true;
    int r = data_is_empty(job->fd, &empty, err);
    if (r < 0 || !empty)
        return r;
    r = look_up(job, &st, &nothing, err);
    if (r == -ENOENT || r == -ELOOP || r == -ENOTDIR)
        return knows_user(job->ids) && !has_owner(job) ? 0 : replace_data(s, job, fill_empty, err);
    if (r < 0)
        return r;
    bool ours = outside_uid(job, &st) == geteuid() && outside_gid(job, &st) == getegid();
    if (nothing && ours) { /* most: an empty directory, for which no namespace is needed */
        return fchmodat(job->fd, "_data", st.st_mode & 07777, 0) < 0
                   ? err_errno(err, -errno, "chmod _data")
                   : 0;
    }
    return replace_data(s, job, fill_new, err);
}

/* `job` NULL: the directory is not what is used. */
static int first_use(struct store *s, struct store_volume *v, struct copy *job, struct err *err)
{
    auto_close int lock = store_volume_lock(v, err);
    if (lock < 0)
        return lock;
    if (!exists_at(v->fd, "fresh"))
        return 0; /* somebody was quicker */
    int r = job ? copy_up(s, job, err) : 0;
    if (r < 0)
        return err_wrap(err, "copy %s of the image into it", job->source);
    return unlinkat(v->fd, "fresh", 0) < 0 && errno != ENOENT
               ? err_errno(err, -errno, "volume %s", v->name)
               : 0;
}

static bool has_option(const json_t *mount, const char *option)
{
    const json_t *options = json_object_get(mount, "Options");
    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *o = json_string_value(json_array_get(options, i));
        if (o && strcmp(o, option) == 0)
            return true;
    }
    return false;
}

static bool is_copied(const json_t *mount)
{
    return !has_option(mount, "nocopy") && !json_object_get(mount, "SubPath");
}

/* The first use of the volume's directory. */
static int prepare_data(struct store *s, struct store_volume *v, const json_t *mount,
                        const struct root *root, const struct volume_options *o,
                        const struct id_maps *ids, struct err *err)
{
    struct overlay_options overlay;
    root_overlay_options(root, &overlay);
    overlay.upper = overlay.work = NULL; /* the image, not what the container wrote so far */
    bool anonymous = json_is_true(json_object_get(v->config, "Anonymous"));
    struct copy job = {.overlay = is_copied(mount) && root->n_layers ? &overlay : NULL,
                       .source = json_get_string(mount, "Destination", "/"),
                       .uid = o->uid,
                       .gid = o->gid,
                       .fd = v->fd,
                       .ids = ids,
                       .no_sync = anonymous && root->no_sync,
                       .to = -1};
    int r = volume_options_check_owner(o, ids, err);
    /* Used from now on, also when nothing is copied: no later copy may take the directory's place
     * under this container. */
    return r < 0 ? r : first_use(s, v, &job, err);
}

static struct sandbox_mount *mount_at(const struct sandbox_config *config, const char *target)
{
    for (size_t i = 0; i < config->n_mounts; i++)
        if (strcmp(config->mounts[i].target, target) == 0)
            return &config->mounts[i];
    return NULL;
}

/* A tmpfs begins anew each time, a directory of the host only once. */
static int prepare_mount(struct store *s, struct store_volume *v, const json_t *mount,
                         const struct volume_options *o, struct sandbox_config *config,
                         struct err *err)
{
    struct sandbox_mount *m = mount_at(config, json_get_string(mount, "Destination", ""));
    bool fresh = exists_at(v->fd, "fresh");
    int r = m ? volume_options_check_owner(o, &config->sandbox.ids, err)
              : err_set(err, -EINVAL, "it is not mounted");
    if (r == 0)
        r = volume_options_apply(o, config, m,
                                 is_copied(mount) && (fresh || o->kind == VOLUME_TMPFS), err);
    return r == 0 && fresh ? first_use(s, v, NULL, err) : r;
}

static int prepare(struct store *s, const json_t *mount, const struct root *root,
                   struct sandbox_config *config, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    auto_done(volume_options) struct volume_options o = {0};
    int r = store_volume_open(s, json_get_string(mount, "Name", ""), &v, err);
    if (r < 0)
        return r;
    r = volume_options_parse(json_object_get(v.config, "Options"), &o, err);
    if (r == 0 && o.kind != VOLUME_PLAIN)
        r = prepare_mount(s, &v, mount, &o, config, err);
    else if (r == 0 && exists_at(v.fd, "fresh"))
        r = prepare_data(s, &v, mount, root, &o, &config->sandbox.ids, err);
    return r < 0 ? err_wrap(err, "volume %s", v.name) : 0;
}

int volumes_prepare(struct store *s, const json_t *container, const struct root *root,
                    struct sandbox_config *config, struct err *err)
{
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(container, "Mounts"), i, mount) {
        if (strcmp(json_get_string(mount, "Type", ""), "volume") != 0)
            continue;
        int r = prepare(s, mount, root, config, err);
        if (r < 0)
            return r;
    }
    return 0;
}
