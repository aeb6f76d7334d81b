/* SPDX-License-Identifier: Apache-2.0 */
/* `save`: images into an archive or a directory. */
#include "store/save.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"
#include "engine/content.h"
#include "engine/events.h"
#include "engine/image.h"
#include "engine/image_find.h"
#include "engine/output.h"
#include "engine/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The images, and the references they are saved under. */
struct chosen {
    struct store_image *images;
    struct save_image *save;
    size_t n;
};

static void chosen_done(struct chosen *c)
{
    for (size_t i = 0; i < c->n; i++) {
        store_image_done(&c->images[i]);
        strv_done(&c->save[i].names);
    }
    free(c->images);
    free(c->save);
}
DEFINE_AUTO(chosen, chosen_done)

/* An image that is named twice is one, with both names. */
static struct save_image *add(struct chosen *c, struct store_image *image)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->images[i].digest, image->digest) == 0) {
            store_image_done(image);
            return &c->save[i];
        }
    c->images[c->n] = *image;
    c->save[c->n] = (struct save_image){.image = &c->images[c->n]};
    return &c->save[c->n++];
}

static int choose_one(struct engine *e, const char *name, struct chosen *c, struct err *err)
{
    struct store_image image = {0};
    const char *meant = NULL;
    int r = image_find(e, name, &image, &meant, err);
    if (r < 0)
        return r;
    auto_free char *full = strdup_or_null(meant);
    struct save_image *s = add(c, &image);
    if (full && !strv_contains(&s->names, full))
        strv_add(&s->names, full);
    return 0;
}

static int choose(struct engine *e, const struct save_request *o, struct chosen *c, struct err *err)
{
    c->images = xcalloc(o->images->len, sizeof(*c->images));
    c->save = xcalloc(o->images->len, sizeof(*c->save));
    int r = choose_one(e, o->images->v[0], c, err);
    for (size_t i = 1; i < o->images->len && r == 0; i++) {
        auto_free char *full = NULL;
        if (o->multi)
            r = choose_one(e, o->images->v[i], c, err);
        else if ((r = image_full_name(o->images->v[i], &full, err)) == 0 &&
                 !strv_contains(&c->save[0].names, full))
            strv_add(&c->save[0].names, full);
    }
    /* Nobody removes a layer while it waits for its turn. */
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->images[i].layers.len && r == 0; k++)
            r = store_blob_claim(&e->store, c->images[i].layers.v[k], err);
    return r;
}

struct job {
    struct engine *engine;
    const struct save_request *o;
    const struct chosen *chosen;
};

static int write_images(void *arg, int fd, struct err *err)
{
    const struct job *j = arg;
    struct save_options options = {.format = j->o->format,
                                   .compress = j->o->compress,
                                   .images = j->chosen->save,
                                   .n = j->chosen->n,
                                   .progress = j->o->progress,
                                   .progress_arg = j->o->progress_arg};
    return content_save(&j->engine->store, &options, fd, err);
}

/* --- where to ----------------------------------------------------------------------------- */

static int remove_contents(int fd)
{
    auto_strv names = {0};
    int r = list_dir_at(fd, ".", &names, NULL);
    strv_foreach (&names, name)
        remove_tree_at(fd, name, NULL);
    return r;
}

static int save_directory(struct job *job, struct err *err)
{
    const struct save_request *o = job->o;
    auto_strv names = {0};
    bool made = mkdir(o->output, 0777) == 0;
    if (!made && errno != EEXIST)
        return err_errno(err, -errno, "create %s", o->output);
    auto_close int fd = open(o->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, -errno, "open %s", o->output);
    int r = list_dir_at(fd, ".", &names, err);
    if (r == 0 && names.len)
        return err_set(err, -ENOTEMPTY, "%s is not empty", o->output);
    if (r == 0)
        r = write_images(job, fd, err);
    if (r < 0) {
        remove_contents(fd);
        if (made)
            rmdir(o->output);
    }
    return r;
}

int content_save_images(struct engine *e, const struct save_request *o, struct err *err)
{
    auto_done(chosen) struct chosen c = {0};
    struct sweep sweep;
    struct job job = {e, o, &c};
    int r = choose(e, o, &c, err);
    if (r == 0 && o->format == SAVE_DOCKER_DIR && c.n > 1)
        r = err_kind(err, ERR_USAGE, -EINVAL, "docker-dir holds one image");
    if (r == 0)
        r = sweep_begin(e, &sweep, err);
    if (r < 0)
        return r;
    if (o->format == SAVE_OCI_DIR || o->format == SAVE_DOCKER_DIR)
        r = save_directory(&job, err);
    else
        r = output_write(o->output, write_images, &job, err);
    sweep_end(e, &sweep, r);
    if (r < 0)
        return err_wrap(err, "save %s", o->images->v[0]);
    strv_foreach ((struct strv *)o->images, name)
        event_image(&e->store, "save", NULL, name);
    return 0;
}
