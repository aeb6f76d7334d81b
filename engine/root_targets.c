/* SPDX-License-Identifier: Apache-2.0 */
/* Mount points, where the container cannot make them.
 *
 * Theory of operation. Init makes what an image lacks: /proc, /etc/hosts, the target of a volume.
 * In a user namespace without an id 0 (--uidmap) the image's directories belong to nobody, and the
 * kernel lets nobody write to them, whatever his capabilities. There it is done before the start,
 * through the overlay core, as the image's root would have. */
#include "engine/root.h"

#include "base/alloc.h"
#include "base/safepath.h"
#include "overlay-fuse/core.h"
#include "runtime/idmap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int make_file(struct overlay *ov, const char *path, const struct overlay_attr *attr,
                     struct err *err)
{
    auto_free char *dir = NULL, *name = NULL;
    auto_close int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct overlay_attr directory = *attr, file = *attr;
    path_split(path, &dir, &name);
    directory.mode = 0755;
    file.mode = 0644;
    int r =
        empty < 0 ? err_errno(err, -errno, "/dev/null") : overlay_mkdirs(ov, dir, &directory, err);
    return r < 0 ? r : overlay_put_file(ov, path, &file, empty, err);
}

/* What is in the way, or cannot be found out, is for init to complain about. */
static int make_target(struct overlay *ov, const char *target, bool directory, struct err *err)
{
    struct overlay_attr attr = {.mode = 0755};
    struct stat st;
    auto_free char *path = NULL;
    clock_gettime(CLOCK_REALTIME, &attr.mtime);
    if (overlay_realpath(ov, target, true, &path) < 0 || overlay_stat(ov, path, 0, &st) != -ENOENT)
        return 0;
    return directory ? overlay_mkdirs(ov, path, &attr, err) : make_file(ov, path, &attr, err);
}

static bool is_directory(const struct sandbox_mount *m)
{
    struct stat st;
    return m->kind != MOUNT_BIND || m->subpath || stat(m->source, &st) < 0 || S_ISDIR(st.st_mode);
}

/* A directory below a mount is the mount's. */
static bool is_covered(const struct sandbox *sb, const char *path)
{
    for (size_t i = 0; i < sb->n_mounts; i++)
        if (path_is_within(path, sb->mounts[i].target))
            return true;
    return false;
}

static int make_all(struct overlay *ov, const struct sandbox *sb, struct err *err)
{
    static const char *const always[] = {"/proc", "/sys", "/dev"};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(always) / sizeof(*always); i++)
        r = make_target(ov, always[i], true, err);
    for (size_t i = 0; r == 0 && i < sb->n_mounts; i++) {
        const struct sandbox_mount *m = &sb->mounts[i];
        if (!m->if_there && !path_is_within(m->target, "/dev"))
            r = make_target(ov, m->target, is_directory(m), err);
    }
    if (r == 0 && sb->work_dir && *sb->work_dir && !is_covered(sb, sb->work_dir))
        r = make_target(ov, sb->work_dir, true, err);
    return r;
}

int root_make_targets(const struct root *root, const struct sandbox *sb, struct err *err)
{
    const struct id_maps *ids = &sb->ids;
    struct overlay_options o;
    auto_overlay ov = NULL;
    if (sb->root_dir || ids->single ||
        (id_map_outside(ids->uids, ids->n_uids, 0) >= 0 &&
         id_map_outside(ids->gids, ids->n_gids, 0) >= 0))
        return 0;
    root_overlay_options(root, &o);
    int r = overlay_open(&o, &ov, err);
    return r < 0 ? r : make_all(ov, sb, err);
}
