/* SPDX-License-Identifier: Apache-2.0 */
/* `import`: an image from a tar of a root file system. */
#include "engine/content.h"
#include "engine/events.h"

#include "base/alloc.h"
#include "base/file.h"
#include "engine/image.h"
#include "engine/sweep.h"
#include "registry/http.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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

static void set(char **to, const char *value)
{
    if (!value)
        return;
    free(*to);
    *to = xstrdup(value);
}

static bool is_url(const char *path)
{
    return strncasecmp(path, "http://", 7) == 0 || strncasecmp(path, "https://", 8) == 0;
}

/* Where it comes from, as it stands in the image. */
static char *shown_path(const char *path)
{
    return is_url(path) ? http_url_shown(path) : xstrdup(path);
}

/* What is known before the layer is, so that a mistake in it costs nothing. */
static int init_config(const struct import_options *o, struct image_config *config, struct err *err)
{
    char now[36];
    image_config_init(config);
    set(&config->os, o->os);
    if (o->architecture)
        free(take_ptr(config->variant)); /* of another one */
    set(&config->architecture, o->architecture);
    set(&config->variant, o->variant);
    config->created = xstrdup(time_format(time_now(), now));
    for (size_t i = 0; o->changes && i < o->changes->len; i++) {
        int r = build_change(config, o->changes->v[i], err);
        if (r < 0)
            return r;
    }
    auto_free char *shown = shown_path(o->path);
    auto_free char *comment = xasprintf("imported from %s", shown);
    struct image_history history = {.created = now,
                                    .created_by = "wherry import",
                                    .comment = (char *)(o->message ? o->message : comment)};
    image_config_add_history(config, &history);
    return 0;
}

/* --- from the web ------------------------------------------------------------------------- */

struct download {
    const struct import_options *o;
    struct content_sink *sink;
    const struct http_response *response;
    uint64_t done, total;
};

static int take_bytes(void *arg, const void *data, size_t len, struct err *err)
{
    struct download *d = arg;
    const char *length = http_header(d->response, "content-length");
    if (d->done == 0 && length)
        d->total = strtoull(length, NULL, 10);
    d->done += len;
    if (d->o->progress)
        d->o->progress(d->o->progress_arg, d->done, d->total);
    return content_sink_add(d->sink, data, len, err);
}

/* Straight into the sink: nothing of it is kept but the layer. */
static int download(struct engine *e, const struct import_options *o, struct content_layer *ret,
                    struct err *err)
{
    const struct http_config config = {.stall_seconds = 60};
    auto_done(http_response) struct http_response response = {0};
    auto_content_sink sink = NULL;
    int r = content_sink_open(&e->store, NULL, &sink, err);
    if (r < 0)
        return r;
    struct download d = {.o = o, .sink = sink, .response = &response};
    const struct http_request request = {
        .method = "GET", .url = o->path, .receive = take_bytes, .receive_arg = &d};
    struct http *h = http_new(&config);
    r = http_exchange(h, &request, &response, err);
    http_free(h);
    if (r == 0 && response.status != 200)
        r = err_set(err, -ENOENT, "the server answers with status %ld", response.status);
    return r < 0 ? r : content_sink_publish(sink, ret, err);
}

/* ------------------------------------------------------------------------------------------ */

static int add_image(struct engine *e, const struct import_options *o, int fd,
                     struct image_config *config, const struct strv *names, char **ret_id,
                     struct err *err)
{
    struct content_layer layer = {0};
    auto_free char *shown = shown_path(o->path);
    int r = fd < 0 ? download(e, o, &layer, err)
                   : content_layer_import(&e->store, fd, o->progress, o->progress_arg, &layer, err);
    if (r < 0)
        return err_wrap(err, "import %s", shown);
    strv_add_owned(&config->diff_ids, layer.diff_id);
    auto_done(store_image) struct store_image image = {0};
    r = content_image_add(&e->store, config, names, &image, err);
    if (r == 0)
        event_image(&e->store, "import", image.id, names->len ? names->v[0] : shown);
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
    auto_close int fd = is_url(o->path) ? -1 : open_input(o->path, err);
    if (fd < 0 && !is_url(o->path))
        return fd;
    r = sweep_begin(e, &sweep, err);
    if (r < 0)
        return r;
    r = add_image(e, o, fd, &config, &names, ret_id, err);
    sweep_end(e, &sweep, r);
    return r;
}
