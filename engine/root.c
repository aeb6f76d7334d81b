/* SPDX-License-Identifier: Apache-2.0 */
/* The root file system of a container. */
#include "engine/root.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/proc.h"
#include "engine/image_program.h"
#include "netns/client.h"
#include "netns/netns.h"
#include "overlay-fuse/layer.h"

#include <string.h>

/* An index can be lost or of an older format: the other program writes it again from the tar. */
static int mend_index(struct store *s, const char *diff_id, struct err *err)
{
    auto_strv argv = {0};
    auto_free char *program = NULL;
    int r = program_find("wherry-image", &program, err);
    if (r < 0)
        return r;
    image_program_argv(s, &argv);
    free(argv.v[0]);
    argv.v[0] = take_ptr(program);
    strv_add(&argv, "system");
    strv_add(&argv, "reindex");
    strv_add(&argv, diff_id);
    return proc_run(strv_argv(&argv), err);
}

/* The reader's own check: the server would find the same, but when it is too late to mend. What
 * was found good is not looked at again, by us or by the server. */
static int check_index(struct store *s, const char *diff_id, struct layer_files *f, struct err *err)
{
    struct layer layer;
    if (f->checked)
        return 0;
    int r = layer_open(f->tar, f->index, &layer, NULL);
    if (r == 0) {
        layer_close(&layer);
        store_layer_note_checked(s, diff_id, f);
        f->checked = true;
    }
    if (r == -ENOENT || r == -ESTALE)
        r = mend_index(s, diff_id, err);
    else
        r = 0; /* the server says what is wrong */
    return r < 0 ? err_wrap(err, "layer %s has no good index", diff_id) : 0;
}

int root_init(struct root *root, struct store *s, const struct strv *diff_ids, const char *dir,
              struct err *err)
{
    root->layers = xcalloc(diff_ids->len, sizeof(*root->layers));
    root->n_layers = 0;
    for (size_t i = diff_ids->len; i > 0; i--) {
        auto_done(layer_files) struct layer_files f = {0};
        int r = store_layer_files(s, diff_ids->v[i - 1], &f, err);
        if (r == 0)
            r = check_index(s, diff_ids->v[i - 1], &f, err);
        if (r < 0)
            return r;
        root->layers[root->n_layers++] = (struct overlay_layer_files){
            .tar = take_ptr(f.tar), .index = take_ptr(f.index), .checked = f.checked};
    }
    root->upper = xasprintf("%s/upper", dir);
    root->work = xasprintf("%s/work", dir);
    return 0;
}

int root_container_layers(const struct store_container *c, struct strv *ret, struct err *err)
{
    const char *rootfs = json_get_string(c->config, "Rootfs", "");
    if (*rootfs)
        return err_set(err, -ENOTSUP, "container %s has no image: its root is the directory %s",
                       c->name, rootfs);
    return json_want_strv(c->config, "Layers", ret, err);
}

void root_set_ids(struct root *root, const struct id_maps *ids)
{
    root->single_id = ids->single;
    root->single_uid = ids->uids[0].inside;
    root->single_gid = ids->gids[0].inside;
}

int root_add_image(struct root *root, struct store *s, const struct strv *diff_ids, const char *dir,
                   struct err *err)
{
    struct root image = {.no_sync = true};
    int r = root_init(&image, s, diff_ids, dir ? dir : "", err);
    if (!dir) {
        free(take_ptr(image.upper));
        free(take_ptr(image.work));
    }
    if (r < 0) {
        root_done(&image);
        return r;
    }
    root->images = xrealloc(root->images, root->n_images + 1, sizeof(*root->images));
    root->images[root->n_images++] = image;
    return 0;
}

void root_done(struct root *root)
{
    for (size_t i = 0; i < root->n_images; i++)
        root_done(&root->images[i]);
    free(root->images);
    for (size_t i = 0; i < root->n_layers; i++) {
        free((char *)root->layers[i].tar);
        free((char *)root->layers[i].index);
    }
    free(root->layers);
    free(root->upper);
    free(root->work);
    *root = (struct root){0};
}

void root_overlay_options(const struct root *root, struct overlay_options *ret)
{
    *ret = (struct overlay_options){.layers = root->layers,
                                    .n_layers = root->n_layers,
                                    .upper = root->upper,
                                    .work = root->work,
                                    .no_sync = root->no_sync};
}

static pid_t start_server(void *ctx, uint32_t number, int *ret_channel, struct err *err)
{
    const struct root *root = *(struct root **)ctx;
    if (number > root->n_images)
        return err_set(err, -EINVAL, "there is nothing to serve as number %u", number);
    struct overlay_client_options o = {.single_id = root->single_id,
                                       .single_uid = root->single_uid,
                                       .single_gid = root->single_gid};
    root_overlay_options(number ? &root->images[number - 1] : root, &o.overlay);
    return overlay_client_start(&o, ret_channel, err);
}

static pid_t start_network(void *ctx, int inside, int *ret_control, struct err *err)
{
    const struct root *root = *(struct root **)ctx;
    return netns_client_start(root->network, root->ports, root->n_ports, inside, ret_control, err);
}

static int enter_network(void *ctx, int channel, struct err *err)
{
    const struct root *root = *(struct root **)ctx;
    return netns_client_enter(root->network, channel, err);
}

static int set_up_network(void *ctx, int channel, struct err *err)
{
    int r = netns_loopback_up(err);
    return r < 0 || channel < 0 ? r : netns_client_wait(channel, err);
}

void root_monitor_ops(struct monitor_ops *ops)
{
    ops->root_start = start_server;
    ops->root_mount_data = overlay_client_mount_data;
    ops->net_setup = set_up_network;
    if ((*(struct root **)ops->ctx)->network) {
        ops->net_start = start_network;
        ops->net_enter = enter_network;
    }
}
