/* SPDX-License-Identifier: Apache-2.0 */
/* volume mount, volume unmount. */
#include "engine/volume_mount.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"
#include "engine/volume_options.h"
#include "runtime/mount_api.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char *data_path(const struct store_volume *v)
{
    return xasprintf("%s/_data", v->path);
}

static bool is_mounted(const struct store_volume *v)
{
    struct statx st;
    return statx(v->fd, "_data", AT_SYMLINK_NOFOLLOW, 0, &st) == 0 &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int check(const char *command, struct err *err)
{
    return geteuid() == 0 ? 0
                          : err_set(err, -EPERM,
                                    "cannot run command \"wherry volume %s\" in rootless mode, "
                                    "must execute `wherry unshare` first",
                                    command);
}

static int find(struct engine *e, const char *name, struct store_volume *v,
                struct volume_options *ret, struct err *err)
{
    int r = store_volume_find(&e->store, name, v, err);
    return r < 0 ? r : volume_options_parse(json_object_get(v->config, "Options"), ret, err);
}

static int mount_bind(const struct volume_options *o, int at, struct err *err)
{
    auto_close int source = safe_open_no_links(o->device, O_PATH | O_DIRECTORY);
    auto_close int bound =
        source < 0 ? source : mount_bind_at(source, at, o->recursive, volume_options_flags(o));
    return bound < 0 ? err_errno(err, bound, "%s", o->device) : 0;
}

static int mount_tmpfs(const struct volume_options *o, int at, struct err *err)
{
    auto_free char *data = strv_join(&o->data, ",");
    int r = mount_new_at(at, "tmpfs", "tmpfs", volume_options_flags(o), data);
    return r < 0 ? err_errno(err, r, "a tmpfs") : 0;
}

static int mount_locked(struct store_volume *v, const struct volume_options *o, struct err *err)
{
    auto_close int lock = store_volume_lock(v, err);
    if (lock < 0)
        return lock;
    if (is_mounted(v))
        return 0;
    auto_close int at = openat(v->fd, "_data", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return err_errno(err, -errno, "_data");
    return o->kind == VOLUME_BIND ? mount_bind(o, at, err) : mount_tmpfs(o, at, err);
}

int volume_mount(struct engine *e, const char *name, char **ret_path, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    auto_done(volume_options) struct volume_options o = {0};
    int r = check("mount", err);
    if (r == 0)
        r = find(e, name, &v, &o, err);
    if (r < 0)
        return r;
    r = o.kind == VOLUME_PLAIN ? 0 : mount_locked(&v, &o, err);
    if (r < 0)
        return err_wrap(err, "mount volume %s", v.name);
    *ret_path = data_path(&v);
    return 0;
}

int volume_unmount(struct engine *e, const char *name, char **ret_name, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    auto_done(volume_options) struct volume_options o = {0};
    int r = check("unmount", err);
    if (r == 0)
        r = find(e, name, &v, &o, err);
    if (r < 0)
        return r;
    auto_free char *path = data_path(&v);
    if (o.kind != VOLUME_PLAIN && is_mounted(&v) && umount2(path, UMOUNT_NOFOLLOW) < 0)
        return err_errno(err, -errno, "unmount volume %s", v.name);
    *ret_name = xstrdup(v.name);
    return 0;
}

void volume_mount_drop(const struct store_volume *v)
{
    if (geteuid() != 0 || !is_mounted(v))
        return;
    auto_free char *path = data_path(v);
    umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH);
}
