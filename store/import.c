/* SPDX-License-Identifier: Apache-2.0 */
/* A layer from a file or a pipe. */
#include "store/content.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

int content_sink_add_fd(struct content_sink *k, int fd, content_progress_fn progress, void *arg,
                        uint64_t *done, uint64_t total, struct err *err)
{
    auto_free char *chunk = xcalloc(1, CHUNK);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* of no use to a pipe, and no harm */
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_errno(err, -errno, "read") : 0;
        int r = content_sink_add(k, chunk, (size_t)n, err);
        if (r < 0)
            return r;
        *done += (uint64_t)n;
        if (progress)
            progress(arg, *done, total);
    }
}

int content_layer_import(struct store *s, int fd, content_progress_fn progress, void *arg,
                         struct content_layer *ret, struct err *err)
{
    auto_content_sink sink = NULL;
    struct stat st;
    uint64_t done = 0;
    if (fstat(fd, &st) < 0)
        return err_errno(err, -errno, "read");
    int r = content_sink_open(s, NULL, &sink, err);
    if (r == 0)
        r = content_sink_add_fd(sink, fd, progress, arg, &done,
                                S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, err);
    return r < 0 ? r : content_sink_publish(sink, ret, err);
}
