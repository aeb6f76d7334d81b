/* SPDX-License-Identifier: Apache-2.0 */
/* `export`: the file system of a container as a tar, through the overlay core, without a mount. */
#include "engine/content.h"

#include "base/file.h"
#include "base/json.h"
#include "engine/events.h"
#include "engine/output.h"
#include "engine/root.h"

static int write_out(void *arg, const void *data, size_t len, struct err *err)
{
    int r = write_full(*(int *)arg, data, len);
    return r < 0 ? err_errno(err, r, "write") : 0;
}

static int export_to(struct engine *e, struct store_container *c, const struct export_options *o,
                     int fd, struct err *err)
{
    auto_done(root) struct root root = {0};
    auto_strv layers = {0};
    int r = root_container_layers(c, &layers, err);
    if (r == 0)
        r = root_init(&root, &e->store, &layers, c->path, err);
    if (r < 0)
        return r;
    struct overlay_options overlay;
    root_overlay_options(&root, &overlay);
    const struct content_changes changes = {.overlay = &overlay,
                                            .whole = true,
                                            .progress = o->progress,
                                            .progress_arg = o->progress_arg};
    return content_export(&changes, write_out, &fd, err);
}

struct job {
    struct engine *e;
    struct store_container *c;
    const struct export_options *o;
};

static int export_job(void *arg, int fd, struct err *err)
{
    const struct job *j = arg;
    return export_to(j->e, j->c, j->o, fd, err);
}

int content_export_container(struct engine *e, struct store_container *c,
                             const struct export_options *o, struct err *err)
{
    struct job job = {e, c, o};
    int r = output_write(o->output, export_job, &job, err);
    if (r == 0)
        event_container(&e->store, c, "export", -1);
    return r < 0 ? err_wrap(err, "export %s", c->name) : 0;
}
