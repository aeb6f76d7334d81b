/* SPDX-License-Identifier: Apache-2.0 */
/* `import`: an image from a tar of a root file system. */
#include "engine/content.h"

#include "base/alloc.h"
#include "base/file.h"
#include "engine/image.h"
#include "engine/sweep.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_input(const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0) {
        int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? err_errno(err, -errno, "standard input") : fd;
    }
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "open %s", path);
    if (S_ISDIR(st.st_mode))
        return err_set(err, -EISDIR, "%s is a directory: import reads a tar", path);
    return take_fd(&fd);
}

/* What is known before the layer is, so that a mistake in it costs nothing. */
static int init_config(const struct import_options *o, struct image_config *config, struct err *err)
{
    char now[36];
    image_config_init(config);
    config->created = xstrdup(time_format(time_now(), now));
    for (size_t i = 0; o->changes && i < o->changes->len; i++) {
        int r = build_change(config, o->changes->v[i], err);
        if (r < 0)
            return r;
    }
    auto_free char *comment = xasprintf("imported from %s", o->path);
    struct image_history history = {.created = now,
                                    .created_by = "wherry import",
                                    .comment = (char *)(o->message ? o->message : comment)};
    image_config_add_history(config, &history);
    return 0;
}

static int add_image(struct engine *e, const struct import_options *o, int fd,
                     struct image_config *config, const struct strv *names, char **ret_id,
                     struct err *err)
{
    struct content_layer layer = {0};
    int r = content_layer_import(&e->store, fd, o->progress, o->progress_arg, &layer, err);
    if (r < 0)
        return err_wrap(err, "import %s", o->path);
    strv_add_owned(&config->diff_ids, layer.diff_id);
    auto_done(store_image) struct store_image image = {0};
    r = content_image_add(&e->store, config, names, &image, err);
    if (r == 0)
        *ret_id = xstrdup(image.id);
    return r;
}

int content_import(struct engine *e, const struct import_options *o, char **ret_id, struct err *err)
{
    auto_strv names = {0};
    auto_free char *full = NULL;
    auto_done(image_config) struct image_config config = {0};
    struct sweep sweep;
    int r = o->name ? image_full_name(o->name, &full, err) : 0;
    if (r == 0)
        r = init_config(o, &config, err);
    if (r < 0)
        return r;
    if (full)
        strv_add(&names, full);
    auto_close int fd = open_input(o->path, err);
    if (fd < 0)
        return fd;
    r = sweep_begin(e, &sweep, err);
    if (r < 0)
        return r;
    r = add_image(e, o, fd, &config, &names, ret_id, err);
    sweep_end(e, &sweep, r);
    return r;
}
