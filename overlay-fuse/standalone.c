/* SPDX-License-Identifier: Apache-2.0 */
/* overlay-fuse as a mount program of its own.
 *
 * A lower layer that is a regular file is a tar; its index is TAR.index, or for a blob of a wherry
 * store, .../blobs/sha256/HEX, the one that the store has, .../index/HEX. */
#include "overlay-fuse/standalone.h"

#include "base/alloc.h"
#include "overlay-fuse/mount_options.h"
#include "overlay-fuse/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct lowers {
    struct overlay_layer_files *files;
    struct strv indexes;
};

static void lowers_done(struct lowers *l)
{
    free(l->files);
    strv_done(&l->indexes);
}
DEFINE_AUTO(lowers, lowers_done)

static char *index_of(const char *tar)
{
    static const char blobs[] = "/blobs/sha256/";
    char *beside = xasprintf("%s.index", tar);
    const char *at = strstr(tar, blobs);
    if (access(beside, R_OK) == 0 || !at)
        return beside;
    free(beside);
    return xasprintf("%.*s/index/%s", (int)(at - tar), tar, at + strlen(blobs));
}

static int find_lowers(const struct mount_options *o, struct lowers *ret, struct err *err)
{
    ret->files = xcalloc(o->lowers.len, sizeof(*ret->files));
    for (size_t i = 0; i < o->lowers.len; i++) {
        const char *path = o->lowers.v[i];
        struct stat st;
        if (stat(path, &st) < 0)
            return err_errno(err, -errno, "lower layer %s", path);
        if (S_ISDIR(st.st_mode)) {
            ret->files[i].dir = path;
            continue;
        }
        strv_add_owned(&ret->indexes, index_of(path));
        ret->files[i].tar = path;
        ret->files[i].index = ret->indexes.v[ret->indexes.len - 1];
    }
    return 0;
}

/* A layer below the mount point would be looked for in the mount itself. */
static int check_place(const struct mount_options *o, char **ret_place, struct err *err)
{
    auto_free char *mnt = realpath(o->mountpoint, NULL);
    if (!mnt)
        return err_errno(err, -errno, "mount point %s", o->mountpoint);
    size_t len = strlen(mnt);
    for (size_t i = 0; i <= o->lowers.len; i++) {
        const char *path = i < o->lowers.len ? o->lowers.v[i] : o->upper;
        auto_free char *real = path ? realpath(path, NULL) : NULL;
        if (real && strncmp(real, mnt, len) == 0 && real[len] == '/')
            return err_set(err, -ELOOP, "%s lies below the mount point %s", path, mnt);
    }
    *ret_place = take_ptr(mnt);
    return 0;
}

static char *fuse_options(const struct mount_options *o)
{
    const char *others = geteuid() == 0 ? ",allow_other,suid,dev" : "";
    return xasprintf("default_permissions,fsname=overlay-fuse%s%s%s%s", others,
                     o->upper ? "" : ",ro", o->fuse.len ? "," : "", buf_str(&o->fuse));
}

/* The kernel asks for CAP_FSETID of the first user namespace. */
static bool is_root_of_the_machine(void)
{
    const ino_t first = 0xeffffffd; /* PROC_USER_INIT_INO of linux/proc_ns.h */
    struct stat st;
    return geteuid() == 0 && stat("/proc/self/ns/user", &st) == 0 && st.st_ino == first;
}

static struct server_options server_options(const struct mount_options *o)
{
    bool mapped = o->uids.n || o->uids.squash || o->gids.n || o->gids.squash;
    return (struct server_options){.no_xattrs = o->no_xattrs,
                                   .no_acl = o->no_acl,
                                   .no_fsync = o->no_fsync,
                                   .static_nlink = o->static_nlink,
                                   .no_writeback = o->no_writeback,
                                   .debug = o->debug,
                                   .timeout = o->timeout,
                                   .root_keeps = is_root_of_the_machine(),
                                   .procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC),
                                   .uids = mapped ? &o->uids : NULL,
                                   .gids = mapped ? &o->gids : NULL};
}

/* umount(8) does not wait for the server, so the one before may be still on its way out. */
static int open_overlay(const struct overlay_options *o, struct overlay **ret, struct err *err)
{
    const struct timespec nap = {.tv_nsec = 20000000};
    int r = overlay_open(o, ret, err);
    for (int tries = 0; r < 0 && err->kind == ERR_IN_USE && tries < 100; tries++) {
        nanosleep(&nap, NULL);
        *err = (struct err){0};
        r = overlay_open(o, ret, err);
    }
    return r;
}

static int mount_and_serve(const struct mount_options *o, struct err *err)
{
    auto_done(lowers) struct lowers lowers = {0};
    auto_overlay ov = NULL;
    auto_ptr(server) struct server *s = NULL;
    auto_free char *place = NULL; /* absolute: the background's working directory is / */
    int r = find_lowers(o, &lowers, err);
    if (r == 0)
        r = check_place(o, &place, err);
    struct overlay_options overlay = {.layers = lowers.files,
                                      .n_layers = o->lowers.len,
                                      .upper = o->upper,
                                      .work = o->work,
                                      .real_owners = !o->virtual_owners,
                                      .no_sync = o->no_fsync};
    if (r == 0)
        r = open_overlay(&overlay, &ov, err);
    struct server_options so = server_options(o);
    auto_free char *fuse = fuse_options(o);
    if (r == 0)
        r = server_new(ov, &so, fuse, &s, err);
    return r < 0 ? r : server_run_mount(s, place, !o->foreground, err);
}

static void usage(FILE *out)
{
    fputs(
        "usage: overlay-fuse [-f] [-d] [-o OPTION[,OPTION]...] [SOURCE] MOUNTPOINT\n"
        "  lowerdir=A[:B]...      lower layers, topmost first: directories, or tars with an index\n"
        "  upperdir=D,workdir=D   the writable layer and its work directory; without: read-only\n"
        "  uidmapping=, gidmapping=DISK:SHOWN:LEN[:...]   ids on disk, ids shown\n"
        "  squash_to_root, squash_to_uid=N, squash_to_gid=N\n"
        "  xattr_permissions=0|2  owners on the objects (0) or in user.containers.override_stat\n"
        "  volatile, fsync=0|1    whether fsync() reaches the disk\n"
        "  timeout=SECONDS        how long the kernel may keep what it was told\n"
        "  noacl, noxattrs, static_nlink, writeback=0|1, and FUSE's own options\n"
        "  -f in the foreground, -d with FUSE's messages\n",
        out);
}

int standalone_main(int argc, char **argv)
{
    auto_done(mount_options) struct mount_options o = {0};
    struct err err = {0};
    int r = mount_options_parse(argc, argv, &o, &err);
    if (r == 0 && o.version) {
        printf("overlay-fuse: version %s\nFUSE library version %s\n", WHERRY_VERSION,
               fuse_pkgversion());
        return 0;
    }
    if (r == 0 && o.help) {
        usage(stdout);
        return 0;
    }
    if (r == 0)
        r = mount_and_serve(&o, &err);
    if (r == 0)
        return 0;
    fprintf(stderr, "overlay-fuse: %s\n", err.message);
    if (err.kind == ERR_USAGE)
        usage(stderr);
    return 1;
}
