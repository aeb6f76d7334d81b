/* SPDX-License-Identifier: Apache-2.0 */
/* `export`: the file system of a container as a tar, through the overlay core, without a mount. */
#include "engine/content.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/root.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    int r = json_want_strv(c->config, "Layers", &layers, err);
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

/* Beside the file, and in its place once it is whole. */
static int export_file(struct engine *e, struct store_container *c, const struct export_options *o,
                       struct err *err)
{
    auto_free char *temporary = xasprintf("%s.wherry-%d", o->output, (int)getpid());
    auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, -errno, "create %s", o->output);
    int r = export_to(e, c, o, fd, err);
    if (r == 0 && rename(temporary, o->output) < 0)
        r = err_errno(err, -errno, "create %s", o->output);
    if (r < 0)
        unlink(temporary);
    return r;
}

int content_export_container(struct engine *e, struct store_container *c,
                             const struct export_options *o, struct err *err)
{
    struct stat st;
    int r;
    if (o->output && (stat(o->output, &st) < 0 || S_ISREG(st.st_mode))) {
        r = export_file(e, c, o, err);
    } else {
        auto_close int fd = o->output ? open(o->output, O_WRONLY | O_CLOEXEC)
                                      : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        r = fd < 0 ? err_errno(err, -errno, "open %s", o->output ? o->output : "standard output")
                   : export_to(e, c, o, fd, err);
    }
    return r < 0 ? err_wrap(err, "export %s", c->name) : 0;
}
