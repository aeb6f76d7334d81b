/* SPDX-License-Identifier: Apache-2.0 */
/* A saved image in a directory. Names come from documents in it, so they are walked inside of it
 * whatever links stand there. */
#include "store/load_source.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"

#include <fcntl.h>
#include <sys/stat.h>

struct load_directory {
    struct store *store;
    int fd;
    uint64_t done;
    content_progress_fn progress;
    void *arg;
};

static int open_member(const struct load_directory *l, const char *what, const char *name,
                       struct err *err)
{
    auto_close int fd = safe_open(l->fd, name, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;
    if (fd == -ENOENT)
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "the directory has no %s %.200s", what, name);
    if (fd < 0)
        return err_errno(err, fd, "open %.200s", name);
    if (fstat(fd, &st) < 0)
        return err_errno(err, -errno, "read %.200s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%.200s is not a regular file", name);
    return take_fd(&fd);
}

static int document(void *data, const char *name, struct buf *ret, struct err *err)
{
    auto_close int fd = open_member(data, "document", name, err);
    if (fd < 0)
        return fd;
    int r = file_read_fd(fd, JSON_LIMIT, ret, err);
    return r < 0 && err ? err_wrap(err, "%.200s", name) : r;
}

static int layer(void *data, const char *name, const struct content_expect *e, char **ret_diff_id,
                 struct err *err)
{
    struct load_directory *l = data;
    auto_content_sink sink = NULL;
    struct content_layer got = {0};
    auto_close int fd = open_member(l, "layer", name, err);
    if (fd < 0)
        return fd;
    int r = content_sink_open(l->store, e, &sink, err);
    if (r == 0)
        r = content_sink_add_fd(sink, fd, l->progress, l->arg, &l->done, 0, err);
    if (r == 0)
        r = content_sink_publish(sink, &got, err);
    if (r < 0)
        return err ? err_wrap(err, "%.200s", name) : r;
    *ret_diff_id = got.diff_id;
    return 0;
}

int load_directory_open(struct store *s, int fd, content_progress_fn progress, void *arg,
                        struct load_source *ret, struct err *err)
{
    struct load_directory *l = new0(struct load_directory);
    *l = (struct load_directory){.store = s, .fd = fd, .progress = progress, .arg = arg};
    *ret = (struct load_source){l, document, layer, free};
    return 0;
}
