/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts that were asked for: binds, tmpfs, and what is served through FUSE.
 *
 * Should: open every source once, before the container's root covers the host's tree; find every
 * target by base/safepath in the container's root; make what is missing.
 * Mustn't: use a path twice, of a source or of a target (CVE-2021-30465). */
#include "runtime/mounts.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"
#include "base/strv.h"
#include "runtime/idmap.h"
#include "runtime/mount_api.h"
#include "runtime/tree_copy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* --- sources -------------------------------------------------------------------------------- */

static int source_open(const struct sandbox_mount *m, struct err *err)
{
    auto_close int fd =
        m->no_links ? safe_open_no_links(m->source, O_PATH) : open(m->source, O_PATH | O_CLOEXEC);
    int code = m->no_links ? fd : -errno;
    if (fd < 0 && code == -ELOOP)
        return err_set(err, code, "mount source %s: there is a link in this path now", m->source);
    if (fd < 0)
        return err_errno(err, code, "mount source %s", m->source);
    if (!m->subpath)
        return take_fd(&fd);
    int sub = safe_open(fd, m->subpath, O_PATH, 0);
    return sub < 0 ? err_errno(err, sub, "subpath %s of %s", m->subpath, m->source) : sub;
}

int volumes_open(const struct sandbox *sb, struct host_files *hf, struct err *err)
{
    hf->binds = xcalloc(sb->n_mounts + 1, sizeof(*hf->binds));
    hf->scratch = xcalloc(sb->n_mounts + 1, sizeof(*hf->scratch));
    for (size_t i = 0; i < sb->n_mounts; i++)
        hf->binds[i] = hf->scratch[i] = -1;
    for (size_t i = 0; i < sb->n_mounts; i++) {
        if (sb->mounts[i].kind == MOUNT_BIND)
            hf->binds[i] = source_open(&sb->mounts[i], err);
        else if (sb->mounts[i].kind == MOUNT_SERVED &&
                 (hf->binds[i] = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0)
            return err_errno(err, -errno, "/dev/fuse, which serves %s", sb->mounts[i].target);
        if (sb->mounts[i].kind == MOUNT_BIND && hf->binds[i] < 0)
            return hf->binds[i];
        const char *scratch = sb->mounts[i].scratch;
        if (scratch && (hf->scratch[i] = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
            return err_errno(err, -errno, "%s", scratch);
    }
    return 0;
}

/* --- targets -------------------------------------------------------------------------------- */

/* Makes the missing target. A link that leads nowhere (resolv.conf of many images) has what it
 * names made, inside the root: `depth` of them. */
static int target_make(int rootfd, const char *path, bool directory, int depth)
{
    auto_free char *dir = NULL, *name = NULL;
    if (directory)
        return safe_mkdir_parents(rootfd, path, 0755);
    path_split(path, &dir, &name);
    auto_close int parent = safe_mkdir_parents(rootfd, dir, 0755);
    if (parent < 0)
        return parent;
    auto_close int made = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (made < 0 && errno != EEXIST)
        return -errno;
    auto_free char *link = NULL;
    if (made < 0 && depth > 0 && read_link_at(parent, name, &link, NULL) == 0) {
        auto_free char *next = path_join(dir, link);
        int fd = safe_open(rootfd, next, O_PATH, 0);
        return fd == -ENOENT ? target_make(rootfd, next, false, depth - 1) : fd;
    }
    int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* /proc or /sys, to which a link of the image led; who means them says so. */
static bool is_kernels(int fd, const char *target)
{
    struct statfs fs;
    return !path_is_within(target, "/proc") && !path_is_within(target, "/sys") &&
           fstatfs(fd, &fs) == 0 &&
           (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
            fs.f_type == CGROUP2_SUPER_MAGIC);
}

/* A descriptor of where to mount; -ENOENT when the target is missing and not to be made. */
static int target_open(int rootfd, const struct sandbox_mount *m, bool directory, bool *ret_made,
                       struct err *err)
{
    int fd = safe_open(rootfd, m->target, O_PATH, 0);
    if (fd == -ENOENT && m->if_there)
        return fd;
    if (fd >= 0 && is_kernels(fd, m->target)) {
        close(fd);
        return err_set(err, -EPERM, "mount target %s: a link leads to /proc or /sys", m->target);
    }
    *ret_made = fd == -ENOENT;
    if (*ret_made)
        fd = target_make(rootfd, m->target, directory, 8);
    return fd < 0 ? err_errno(err, fd, "mount target %s", m->target) : fd;
}

int mounts_target(int rootfd, const char *path, bool directory)
{
    int fd = safe_open(rootfd, path, O_PATH, 0);
    return fd == -ENOENT ? target_make(rootfd, path, directory, 8) : fd;
}

/* --- mounts --------------------------------------------------------------------------------- */

static unsigned long mount_flags(const struct sandbox_mount *m)
{
    return (m->read_only ? MS_RDONLY : 0) | (m->no_exec ? MS_NOEXEC : 0) |
           (m->no_suid ? MS_NOSUID : 0) | (m->no_dev ? MS_NODEV : 0);
}

static int bind_mount(const struct sandbox_mount *m, int *source, int at, struct err *err)
{
    auto_close int bound = mount_bind_at(*source, at, m->recursive, mount_flags(m));
    if (bound == -EINVAL && !m->recursive)
        return err_set(err, bound,
                       "mount %s on %s: what is mounted below it cannot be left out (use rbind)",
                       m->source, m->target);
    int r = bound < 0 ? bound : m->propagation ? mount_propagation(bound, m->propagation) : 0;
    if (r < 0)
        return err_errno(err, r, "mount %s on %s", m->source, m->target);
    close_fd(source);
    *source = take_fd(&bound);
    return 0;
}

/* The root of an overlay shows what its upper directory has: the source's. An owner that is not
 * known here stays the user. */
static int dress_upper(int source, int scratch)
{
    struct stat st;
    auto_close int upper =
        openat(scratch, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0 || fstat(source, &st) < 0)
        return -errno;
    if (fchown(upper, st.st_uid, st.st_gid) < 0 && errno != EINVAL)
        return -errno;
    return fchmod(upper, st.st_mode & 07777) < 0 ? -errno : 0;
}

/* The kernel's own overlay: what the user sees must have the owners that are on the disk. */
static int scratch_mount(int rootfd, const struct sandbox_mount *m, int *source, int scratch,
                         int at, struct err *err)
{
    char data[160];
    snprintf(data, sizeof(data),
             "userxattr,lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d/upper,workdir=/proc/"
             "self/fd/%d/work",
             *source, scratch, scratch);
    int r = dress_upper(*source, scratch);
    if (r == 0)
        r = mount_new_at(at, "overlay", "overlay", mount_flags(m), data);
    if (r < 0)
        return err_errno(err, r, "mount %s on %s as an overlay (Linux 5.11 is needed)", m->source,
                         m->target);
    int root = safe_open(rootfd, m->target, O_PATH | O_DIRECTORY, 0);
    if (root < 0)
        return err_errno(err, root, "mount target %s", m->target);
    close_fd(source);
    *source = root;
    return 0;
}

/* An owner that the namespace does not know cannot be said to the file system. */
static void add_owner(struct buf *data, const struct sandbox *sb, const struct stat *st)
{
    if (st->st_uid && id_map_outside(sb->ids.uids, sb->ids.n_uids, st->st_uid) >= 0)
        buf_printf(data, ",uid=%u", (unsigned)st->st_uid);
    if (st->st_gid && id_map_outside(sb->ids.gids, sb->ids.n_gids, st->st_gid) >= 0)
        buf_printf(data, ",gid=%u", (unsigned)st->st_gid);
}

/* `at` is the directory that the tmpfs covers; `st` what it has: its owner and mode, unless it was
 * only made for this. */
static int tmpfs_mount(int rootfd, const struct sandbox *sb, const struct sandbox_mount *m, int at,
                       const struct stat *st, int *ret_root, struct err *err)
{
    auto_buf data = {0};
    if (st)
        buf_printf(&data, "mode=%o", (unsigned)st->st_mode & 07777);
    else
        buf_add_str(&data, "mode=1777");
    if (st)
        add_owner(&data, sb, st);
    if (m->data) /* the last of two counts */
        buf_printf(&data, ",%s", m->data);
    unsigned long flags = mount_flags(m);
    int r = mount_new_at(at, "tmpfs", "tmpfs", flags & ~MS_RDONLY, buf_str(&data));
    if (r < 0)
        return err_errno(err, r, "mount a tmpfs on %s", m->target);
    auto_close int root = safe_open(rootfd, m->target, O_PATH | O_DIRECTORY, 0);
    if (root < 0)
        return err_errno(err, root, "mount a tmpfs on %s", m->target);
    if (st && m->copy_up && (r = tree_copy(at, root, err)) < 0)
        return err_wrap(err, "copy %s into a tmpfs", m->target);
    if (m->read_only && (r = mount_add_flags(root, false, MS_RDONLY)) < 0)
        return err_errno(err, r, "make %s read-only", m->target);
    *ret_root = take_fd(&root);
    return 0;
}

/* What is served is mounted whole, and its subpath over it: a directory of it is nobody's before.
 */
static int served_mount(int rootfd, const struct init_job *job, const struct sandbox_mount *m,
                        int at, int *fd, struct err *err)
{
    int r = fuse_mount(job, m->number, *fd, at, mount_flags(m), err);
    close_fd(fd); /* the server alone holds it */
    if (r < 0)
        return err_wrap(err, "mount target %s", m->target);
    auto_close int root = safe_open(rootfd, m->target, O_PATH | O_DIRECTORY, 0);
    if (root < 0)
        return err_errno(err, root, "mount target %s", m->target);
    if (m->subpath) {
        auto_close int sub = safe_open(root, m->subpath, O_PATH | O_DIRECTORY, 0);
        auto_close int bound = sub < 0 ? sub : mount_bind_at(sub, root, false, 0);
        if (bound < 0)
            return err_errno(err, bound, "subpath %s of what is mounted on %s", m->subpath,
                             m->target);
        close_fd(&root);
        root = take_fd(&bound);
    }
    *fd = take_fd(&root);
    return 0;
}

/* Into a source that is an empty directory. */
static int fill_source(const struct sandbox_mount *m, int source, int at, struct err *err)
{
    auto_strv names = {0};
    int r = list_dir_at(source, ".", &names, err);
    if (r == 0 && names.len == 0)
        r = tree_copy(at, source, err);
    return r < 0 ? err_wrap(err, "copy %s into %s", m->target, m->source) : 0;
}

static const char *source_name(const struct sandbox_mount *m)
{
    return m->kind == MOUNT_BIND ? m->source : m->kind == MOUNT_TMPFS ? "a tmpfs" : "an image";
}

static int volume_mount(int rootfd, const struct init_job *job, const struct sandbox_mount *m,
                        int *fd, int scratch, struct err *err)
{
    struct stat st = {.st_mode = S_IFDIR}, at_st;
    bool made = false;
    if (m->kind == MOUNT_BIND && fstat(*fd, &st) < 0)
        return err_errno(err, -errno, "mount source %s", m->source);
    auto_close int at = target_open(rootfd, m, S_ISDIR(st.st_mode), &made, err);
    if (at == -ENOENT && m->if_there)
        return 0;
    if (at < 0)
        return at;
    if (fstat(at, &at_st) < 0)
        return err_errno(err, -errno, "mount target %s", m->target);
    if (S_ISDIR(st.st_mode) != S_ISDIR(at_st.st_mode))
        return err_set(err, -ENOTDIR, "cannot mount %s on %s: one is a directory, one is not",
                       source_name(m), m->target);
    if (m->kind == MOUNT_TMPFS)
        return tmpfs_mount(rootfd, job->sandbox, m, at, made ? NULL : &at_st, fd, err);
    if (m->kind == MOUNT_SERVED)
        return served_mount(rootfd, job, m, at, fd, err);
    if (scratch >= 0 && !S_ISDIR(st.st_mode))
        return err_set(err, -ENOTDIR, "%s is no directory: an overlay needs one", m->source);
    int r = m->copy_up && S_ISDIR(st.st_mode) && !made ? fill_source(m, *fd, at, err) : 0;
    if (r < 0)
        return r;
    return scratch < 0 ? bind_mount(m, fd, at, err)
                       : scratch_mount(rootfd, m, fd, scratch, at, err);
}

int volumes_mount(int rootfd, const struct init_job *job, struct host_files *hf, struct err *err)
{
    const struct sandbox *sb = job->sandbox;
    for (size_t i = 0; i < sb->n_mounts; i++) {
        int r = volume_mount(rootfd, job, &sb->mounts[i], &hf->binds[i], hf->scratch[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int volumes_chown(const struct sandbox *sb, const struct host_files *hf, uid_t uid, gid_t gid,
                  struct err *err)
{
    for (size_t i = 0; i < sb->n_mounts; i++) {
        const struct sandbox_mount *m = &sb->mounts[i];
        int r = m->chown && hf->binds[i] >= 0 ? tree_chown(hf->binds[i], uid, gid, err) : 0;
        if (r < 0)
            return err_wrap(err, "give %s to user %u:%u", m->target, (unsigned)uid, (unsigned)gid);
    }
    return 0;
}
