/* SPDX-License-Identifier: Apache-2.0 */
/* Images as read-only directories of the host. */
#include "engine/image_mount.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/proc.h"
#include "engine/events.h"
#include "engine/root.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTS_DIR OVERLAY_MOUNTS_IMAGES

static bool find_mount(struct engine *e, const char *id, char **ret_path)
{
    return overlay_mounts_find(e, MOUNTS_DIR, id, ret_path);
}

bool image_is_mounted(struct engine *e, const char *id)
{
    return find_mount(e, id, NULL);
}

/* --- mount ---------------------------------------------------------------------------------- */

/* Links to the layer's tar and index, under names by which the server finds both. */
static int link_layer(int dir, size_t n, const struct overlay_layer_files *layer, struct err *err)
{
    char tar[32], index[40];
    snprintf(tar, sizeof(tar), "%zu", n);
    snprintf(index, sizeof(index), "%zu.index", n);
    if (symlinkat(layer->tar, dir, tar) < 0 || symlinkat(layer->index, dir, index) < 0)
        return err_errno(err, -errno, "link a layer");
    return 0;
}

/* Colons, commas and backslashes mean something in the server's options. */
static void add_escaped(struct buf *out, const char *path)
{
    for (; *path; path++) {
        if (strchr(":,\\", *path))
            buf_add_char(out, '\\');
        buf_add_char(out, *path);
    }
}

/* Whoever is not root sees all files as his own: the kernel lets him read them then. */
static int start_server(const char *place, size_t n_layers, struct err *err)
{
    auto_free char *program = NULL, *root = xasprintf("%s/root", place);
    auto_buf options = {0};
    int r = program_find("overlay-fuse", &program, err);
    if (r < 0)
        return r;
    buf_add_str(&options, "lowerdir=");
    for (size_t i = 0; i < n_layers; i++) {
        auto_free char *link = xasprintf("%s/layers/%zu", place, i);
        buf_add_str(&options, i ? ":" : "");
        add_escaped(&options, link);
    }
    if (geteuid() != 0)
        buf_printf(&options, ",squash_to_uid=%u,squash_to_gid=%u", (unsigned)geteuid(),
                   (unsigned)getegid());
    char *const argv[] = {program, "-o", (char *)buf_str(&options), root, NULL};
    return proc_run(argv, err);
}

static int make_place(struct engine *e, const char *id, int *ret_fd, struct err *err)
{
    auto_free char *name = xasprintf(MOUNTS_DIR "/%s", id);
    auto_free char *layers = xasprintf("%s/layers", name), *root = xasprintf("%s/root", name);
    const char *const dirs[] = {MOUNTS_DIR, name, layers, root};
    int r = remove_tree_at(e->store.run_fd, layers, err);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && r == 0; i++)
        if (mkdirat(e->store.run_fd, dirs[i], 0700) < 0 && errno != EEXIST)
            r = err_errno(err, -errno, "mkdir %s", dirs[i]);
    if (r == 0 && (*ret_fd = open_dir_at(e->store.run_fd, layers, err)) < 0)
        r = *ret_fd;
    return r;
}

/* An image has no writable directory of its own: its overlay is the layers alone. */
static int mount_layers(struct engine *e, const struct store_image *image, struct err *err)
{
    auto_done(root) struct root root = {0};
    auto_close int layers = -1;
    auto_free char *place = xasprintf("%s/" MOUNTS_DIR "/%s", e->store.runroot, image->id);
    int r = root_init(&root, &e->store, &image->layers, place, err);
    if (r == 0)
        r = make_place(e, image->id, &layers, err);
    for (size_t i = 0; i < root.n_layers && r == 0; i++)
        r = link_layer(layers, i, &root.layers[i], err);
    return r < 0 ? r : start_server(place, root.n_layers, err);
}

int image_mount(struct engine *e, const struct store_image *image, char **ret_path, struct err *err)
{
    auto_close int lock = overlay_mounts_lock(e, MOUNTS_DIR, err);
    if (lock < 0)
        return lock;
    if (image->layers.len == 0)
        return err_set(err, -EINVAL, "image %.12s has no layer to mount", image->id);
    if (find_mount(e, image->id, ret_path))
        return 0;
    int r = mount_layers(e, image, err);
    if (r < 0)
        return err ? err_wrap(err, "mount image %.12s", image->id) : r;
    if (!find_mount(e, image->id, ret_path))
        return err_set(err, -EIO, "image %.12s was not mounted", image->id);
    event_image(&e->store, "mount", image->id, image->names.len ? image->names.v[0] : NULL);
    return 0;
}

/* --- unmount -------------------------------------------------------------------------------- */

int image_unmount(struct engine *e, const char *id, bool force, bool *ret_was, struct err *err)
{
    auto_free char *path = NULL, *name = xasprintf(MOUNTS_DIR "/%s", id);
    auto_close int lock = overlay_mounts_lock(e, MOUNTS_DIR, err);
    if (lock < 0)
        return lock;
    *ret_was = find_mount(e, id, &path);
    if (*ret_was) {
        char *const argv[] = {"fusermount3", force ? "-uz" : "-u", "--", path, NULL};
        int r = proc_run(argv, err);
        if (r < 0)
            return err ? err_wrap(err, "unmount image %.12s", id) : r;
        event_image(&e->store, "unmount", id, NULL);
    }
    return remove_tree_at(e->store.run_fd, name, err);
}
