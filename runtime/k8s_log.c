/* SPDX-License-Identifier: Apache-2.0 */
/* The container's log. */
#include "runtime/k8s_log.h"

#include "base/file.h"

#include <string.h>

void k8s_log_format(struct buf *out, struct timespec now, const char *stream, const char *data,
                    size_t len)
{
    char time[36];
    time_format(now, time);
    while (len) {
        const char *newline = memchr(data, '\n', len);
        size_t n = newline ? (size_t)(newline - data) : len;
        buf_printf(out, "%s %s %c ", time, stream, newline ? 'F' : 'P');
        buf_add(out, data, n);
        buf_add_char(out, '\n');
        n += newline ? 1 : 0;
        data += n;
        len -= n;
    }
}

void k8s_log_write(int fd, const char *stream, const char *data, size_t len)
{
    if (fd < 0 || !len)
        return;
    auto_buf lines = {0};
    k8s_log_format(&lines, time_now(), stream, data, len);
    (void)!write_full(fd, lines.data, lines.len);
}
