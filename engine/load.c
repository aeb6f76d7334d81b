/* SPDX-License-Identifier: Apache-2.0 */
/* `load`: images from an archive or a directory. */
#include "engine/content.h"
#include "engine/events.h"

#include "base/alloc.h"
#include "engine/sweep.h"
#include "spec/platform.h"
#include "store/load.h"

#include <fcntl.h>
#include <unistd.h>

static int load(struct engine *e, int fd, const struct load_request *o, struct strv *ret,
                struct err *err)
{
    auto_done(platform) struct platform host = {0};
    struct store_image *images = NULL;
    size_t n = 0;
    platform_host(&host);
    struct load_options options = {
        .platform = &host, .progress = o->progress, .progress_arg = o->progress_arg};
    int r = content_load(&e->store, fd, &options, &images, &n, err);
    for (size_t i = 0; i < n; i++) {
        strv_extend(ret, &images[i].names);
        event_image(&e->store, "loadfromarchive", images[i].id,
                    images[i].names.len ? images[i].names.v[0] : NULL);
        if (images[i].names.len == 0)
            strv_addf(ret, "sha256:%s", images[i].id);
        store_image_done(&images[i]);
    }
    free(images);
    return r;
}

int content_load_images(struct engine *e, const struct load_request *o, struct strv *ret,
                        struct err *err)
{
    struct sweep sweep;
    const char *name = o->input ? o->input : "standard input";
    auto_close int fd =
        o->input ? open(o->input, O_RDONLY | O_CLOEXEC) : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return err_errno(err, -errno, "open %s", name);
    int r = sweep_begin(e, &sweep, err);
    if (r < 0)
        return r;
    r = load(e, fd, o, ret, err);
    sweep_end(e, &sweep, r);
    if (r < 0)
        return err_wrap(err, "load %s", name);
    store_tidy(&e->store);
    return 0;
}
