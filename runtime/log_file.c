/* SPDX-License-Identifier: Apache-2.0 */
/* The container's log as a file, or two, that do not grow beyond a limit. */
#include "runtime/log_file.h"

#include "base/buf.h"
#include "base/file.h"
#include "runtime/k8s_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LEAST (128 * 1024) /* a piece of output must fit into half of it */

int log_file_open(struct log_file *l, struct err *err)
{
    struct stat st;
    if (l->dir_fd < 0)
        return 0;
    l->fd = openat(l->dir_fd, l->name,
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                   0600);
    if (l->fd < 0 || fstat(l->fd, &st) < 0)
        return err_errno(err, -errno, "open the log %s", l->name);
    if (S_ISFIFO(st.st_mode)) { /* it would hold the container up */
        close_fd(&l->fd);
        return err_set(err, -EINVAL, "the log %s is a pipe", l->name);
    }
    l->size = st.st_size;
    l->torn = false;
    return 0;
}

/* Without a new file the old one goes on to be written: too long a log is better than none. */
static void rotate(struct log_file *l)
{
    char old[NAME_MAX + 1];
    struct log_file next = *l;
    snprintf(old, sizeof(old), "%s.1", l->name);
    if (renameat(l->dir_fd, l->name, l->dir_fd, old) < 0)
        return;
    if (log_file_open(&next, NULL) < 0) {
        renameat(l->dir_fd, old, l->dir_fd, l->name); /* where the next try looks for it */
        return;
    }
    close(l->fd);
    *l = next;
}

static void append(struct log_file *l, const char *lines, size_t len)
{
    if (l->torn && write(l->fd, "\n", 1) == 1)
        l->torn = false;
    ssize_t n = write(l->fd, lines, len);
    if (n > 0)
        l->size += n;
    if (n != (ssize_t)len)
        l->torn |= n > 0; /* the disk is full: the rest is lost */
}

/* The whole lines that fit into `room` bytes, at least one. */
static size_t fitting(const char *lines, size_t len, int64_t room)
{
    size_t n = room <= 0 ? 0 : len < (size_t)room ? len : (size_t)room;
    while (n && lines[n - 1] != '\n')
        n--;
    while (n < len && (n == 0 || lines[n - 1] != '\n'))
        n++;
    return n;
}

void log_file_write(struct log_file *l, const char *stream, const char *data, size_t len)
{
    if (l->fd < 0 || !len)
        return;
    auto_buf lines = {0};
    if (l->json)
        json_log_format(&lines, time_now(), stream, data, len);
    else
        k8s_log_format(&lines, time_now(), stream, data, len);
    int64_t half = (l->max < MAX_LEAST ? MAX_LEAST : l->max) / 2;
    for (size_t done = 0; done < lines.len;) {
        size_t n = lines.len - done;
        if (l->max > 0) {
            n = fitting(lines.data + done, n, half - l->size);
            if (l->size > 0 && l->size + (int64_t)n > half) {
                int64_t before = l->size;
                rotate(l);
                if (l->size < before)
                    continue;
            }
        }
        append(l, lines.data + done, n);
        done += n;
    }
}
