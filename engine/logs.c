/* SPDX-License-Identifier: Apache-2.0 */
/* `logs`: reading the k8s-file log that the monitor writes.
 *
 * A line is "TIME STREAM TAG TEXT\n": stream stdout or stderr, tag F (the text was followed by a
 * new line) or P (it was not: the next line of that stream continues it). --tail counts what a
 * person would call lines: an entry whose predecessor of the same stream was P starts none. */
#include "engine/container.h"

#include "base/alloc.h"
#include "base/file.h"
#include "engine/state.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct entry {
    bool is_stderr, partial;
    char time[40];
    const char *text;
    size_t len;
};

/* Parses one line without its '\n'; false for what is no log line. */
static bool parse_entry(const char *line, size_t n, struct entry *ret)
{
    const char *end = line + n, *time_end = memchr(line, ' ', n);
    if (!time_end || (size_t)(time_end - line) >= sizeof(ret->time))
        return false;
    const char *stream = time_end + 1, *stream_end = memchr(stream, ' ', (size_t)(end - stream));
    if (!stream_end || stream_end - stream != 6 || end - stream_end < 3)
        return false;
    memcpy(ret->time, line, (size_t)(time_end - line));
    ret->time[time_end - line] = 0;
    ret->is_stderr = memcmp(stream, "stderr", 6) == 0;
    ret->partial = stream_end[1] == 'P';
    ret->text = stream_end + 3;
    ret->len = (size_t)(end - ret->text);
    return stream_end[2] == ' ';
}

struct reader {
    const struct logs_options *options;
    void (*fn)(void *arg, bool is_stderr, const char *time, const char *data, size_t len);
    void *arg;
    int fd;
    struct buf pending; /* an incomplete line at the end of what was read */
    bool inside[2];     /* the stream's last entry was partial */
    int64_t skip;       /* human lines still to pass over for --tail */
};

static void deliver(struct reader *rd, const struct entry *entry)
{
    bool continues = rd->inside[entry->is_stderr];
    rd->inside[entry->is_stderr] = entry->partial;
    if (!continues && rd->skip > 0) {
        rd->skip--;
        rd->inside[entry->is_stderr] = entry->partial;
        return;
    }
    if (continues && rd->skip > 0)
        return;
    auto_buf text = {0};
    buf_add(&text, entry->text, entry->len);
    if (!entry->partial)
        buf_add_char(&text, '\n');
    rd->fn(rd->arg, entry->is_stderr, continues ? NULL : entry->time, buf_str(&text), text.len);
}

/* Reads what is there now and calls `each` for every complete line. */
static int read_lines(struct reader *rd, void (*each)(struct reader *, const struct entry *))
{
    char chunk[1 << 16];
    for (;;) {
        ssize_t n = read(rd->fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buf_add(&rd->pending, chunk, (size_t)n);
        const char *start = rd->pending.data, *end = start + rd->pending.len, *nl;
        for (; (nl = memchr(start, '\n', (size_t)(end - start))); start = nl + 1) {
            struct entry entry;
            if (parse_entry(start, (size_t)(nl - start), &entry))
                each(rd, &entry);
        }
        buf_consume(&rd->pending, (size_t)(start - rd->pending.data));
    }
}

static void count(struct reader *rd, const struct entry *entry)
{
    if (!rd->inside[entry->is_stderr])
        rd->skip++;
    rd->inside[entry->is_stderr] = entry->partial;
}

/* First pass for --tail: how many lines there are, so how many to pass over. */
static int find_tail(struct reader *rd)
{
    int r = read_lines(rd, count);
    rd->skip = rd->skip > rd->options->tail ? rd->skip - rd->options->tail : 0;
    rd->inside[0] = rd->inside[1] = false;
    buf_truncate(&rd->pending, 0);
    if (lseek(rd->fd, 0, SEEK_SET) < 0)
        r = -errno;
    return r;
}

/* Delivers until the monitor is gone. inotify wakes us for each write; the pidfd for the end. */
static int follow(struct reader *rd, const struct store_container *c, struct err *err)
{
    struct proc_id monitor;
    state_get_process(c->state, "Monitor", &monitor);
    auto_close int pidfd = proc_open(&monitor);
    auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    auto_free char *path = xasprintf("%s/log", c->path);
    int added = watch < 0 ? -1 : inotify_add_watch(watch, path, IN_MODIFY);
    bool gone = watch >= 0 && added < 0 && errno == ENOENT;
    if (added < 0 && !gone)
        return err_errno(err, -errno, "watch the log of %s", c->name);
    for (bool ended = pidfd < 0 || gone;;) { /* gone: --rm was quicker, and we have it open */
        int r = read_lines(rd, deliver);
        if (r < 0 || ended)
            return r < 0 ? err_errno(err, r, "read the log of %s", c->name) : 0;
        struct pollfd p[2] = {{.fd = watch, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return err_errno(err, -errno, "poll");
        ended = p[1].revents != 0;
        char events[4096];
        while (read(watch, events, sizeof(events)) > 0)
            ;
    }
}

int container_logs(struct engine *e, struct store_container *c, const struct logs_options *o,
                   void (*fn)(void *arg, bool is_stderr, const char *time, const char *data,
                              size_t len),
                   void *arg, struct err *err)
{
    auto_close int fd = openat(c->fd, "log", O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0; /* created, never started */
    if (fd < 0)
        return err_errno(err, -errno, "open the log of %s", c->name);
    struct reader rd = {.options = o, .fn = fn, .arg = arg, .fd = fd};
    int r = o->tail >= 0 ? find_tail(&rd) : 0;
    if (r == 0)
        r = read_lines(&rd, deliver);
    if (r < 0)
        err_errno(err, r, "read the log of %s", c->name);
    else if (o->follow && container_is_up(c))
        r = follow(&rd, c, err);
    buf_done(&rd.pending);
    return r;
}
