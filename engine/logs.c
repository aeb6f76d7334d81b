/* SPDX-License-Identifier: Apache-2.0 */
/* `logs`: reading what the monitor writes (runtime/log_file.h).
 *
 * A line of a k8s-file is "TIME STREAM TAG TEXT\n": stream stdout or stderr, tag F (the text was
 * followed by a new line) or P (it was not: the next line of that stream continues it). --tail
 * counts what a person would call lines: an entry whose predecessor of the same stream was P starts
 * none. */
#include "engine/container.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/when.h"
#include "engine/log_place.h"
#include "engine/state.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_AGAIN 100 /* ms, when no monitor is left to tell of the end */

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

/* The same of a JSON line. `ret` holds the texts, which `line` owns. */
static bool parse_json_entry(json_t *line, struct entry *ret)
{
    const char *time = json_get_string(line, "time", "");
    const json_t *text = json_object_get(line, "log");
    if (!json_is_string(text) || strlen(time) >= sizeof(ret->time))
        return false;
    strcpy(ret->time, time);
    ret->is_stderr = strcmp(json_get_string(line, "stream", ""), "stderr") == 0;
    ret->text = json_string_value(text);
    ret->len = json_string_length(text);
    ret->partial = ret->len == 0 || ret->text[ret->len - 1] != '\n';
    ret->len -= !ret->partial;
    return true;
}

struct reader {
    const struct logs_options *options;
    void (*fn)(void *arg, bool is_stderr, const char *time, const char *data, size_t len);
    void *arg;
    struct log_place place;
    int fd;
    struct buf pending; /* an incomplete line at the end of what was read */
    bool inside[2];     /* the stream's last entry was partial */
    bool outside[2];    /* and the line that it belongs to is not asked for */
    int64_t skip;       /* human lines still to pass over for --tail */
};

static bool in_time(const struct logs_options *o, const char *text)
{
    struct timespec time = {0};
    if (!when_is_set(o->since) && !when_is_set(o->until))
        return true;
    return time_parse(text, &time) == 0 &&
           (!when_is_set(o->since) || when_compare(time, o->since) >= 0) &&
           (!when_is_set(o->until) || when_compare(time, o->until) <= 0);
}

/* Whether the entry belongs to a line that is asked for; *ret_starts: it is the line's first. */
static bool is_asked_for(struct reader *rd, const struct entry *entry, bool *ret_starts)
{
    int stream = entry->is_stderr;
    *ret_starts = !rd->inside[stream];
    if (*ret_starts)
        rd->outside[stream] = !in_time(rd->options, entry->time);
    rd->inside[stream] = entry->partial;
    return !rd->outside[stream];
}

static void deliver(struct reader *rd, const struct entry *entry)
{
    bool starts;
    if (!is_asked_for(rd, entry, &starts))
        return;
    if (starts && rd->skip > 0) {
        rd->skip--;
        rd->outside[entry->is_stderr] = true;
        return;
    }
    auto_buf text = {0};
    buf_add(&text, entry->text, entry->len);
    if (!entry->partial)
        buf_add_char(&text, '\n');
    rd->fn(rd->arg, entry->is_stderr, starts ? entry->time : NULL, buf_str(&text), text.len);
}

static void take_line(struct reader *rd, const char *line, size_t len,
                      void (*each)(struct reader *, const struct entry *))
{
    struct entry entry;
    if (rd->place.json) {
        auto_json json_t *parsed = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
        if (parsed && parse_json_entry(parsed, &entry))
            each(rd, &entry);
    } else if (parse_entry(line, len, &entry)) {
        each(rd, &entry);
    }
}

/* Reads what is there now and calls `each` for every complete line. */
static int read_lines(struct reader *rd, void (*each)(struct reader *, const struct entry *))
{
    char chunk[1 << 16];
    for (;;) {
        ssize_t n = rd->fd < 0 ? 0 : read(rd->fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buf_add(&rd->pending, chunk, (size_t)n);
        const char *start = rd->pending.data, *end = start + rd->pending.len, *nl;
        for (; (nl = memchr(start, '\n', (size_t)(end - start))); start = nl + 1)
            take_line(rd, start, (size_t)(nl - start), each);
        buf_consume(&rd->pending, (size_t)(start - rd->pending.data));
    }
}

static void count(struct reader *rd, const struct entry *entry)
{
    bool starts;
    if (is_asked_for(rd, entry, &starts) && starts)
        rd->skip++;
}

/* The current log, or what was before it; one that is not there is empty. */
static int open_log(struct reader *rd, bool previous)
{
    auto_free char *name = xasprintf("%s%s", rd->place.name, previous ? ".1" : "");
    close_fd(&rd->fd);
    buf_truncate(&rd->pending, 0);
    rd->fd = openat(rd->place.dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return rd->fd < 0 && errno != ENOENT ? -errno : 0;
}

static int read_all(struct reader *rd, void (*each)(struct reader *, const struct entry *))
{
    int r = open_log(rd, true);
    if (r == 0)
        r = read_lines(rd, each);
    if (r == 0)
        r = open_log(rd, false);
    return r < 0 ? r : read_lines(rd, each);
}

/* First pass for --tail: how many lines there are, so how many to pass over. */
static int find_tail(struct reader *rd)
{
    int r = read_all(rd, count);
    rd->skip = rd->skip > rd->options->tail ? rd->skip - rd->options->tail : 0;
    rd->inside[0] = rd->inside[1] = false;
    return r;
}

static bool is_file(int dir_fd, const char *name, const struct stat *st)
{
    struct stat there;
    return fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == st->st_ino;
}

/* Reads on, also in the file that has taken the place of ours. Of two that did while we were slow,
 * the first is lost. */
static int read_on(struct reader *rd)
{
    struct stat ours;
    int r = read_lines(rd, deliver);
    if (r < 0 || (rd->fd >= 0 &&
                  (fstat(rd->fd, &ours) < 0 || is_file(rd->place.dir_fd, rd->place.name, &ours))))
        return r;
    auto_free char *old = xasprintf("%s.1", rd->place.name);
    bool next_is_current = rd->fd < 0 || is_file(rd->place.dir_fd, old, &ours);
    r = read_lines(rd, deliver); /* what came between the two looks */
    if (r == 0 && faccessat(rd->place.dir_fd, rd->place.name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0; /* removed with the container: the one that we have is all there is */
    if (r == 0 && !next_is_current) {
        r = open_log(rd, true);
        if (r == 0)
            r = read_lines(rd, deliver);
    }
    if (r == 0)
        r = open_log(rd, false);
    return r < 0 ? r : read_lines(rd, deliver);
}

static int watch_open(const struct reader *rd, const struct store_container *c, struct err *err)
{
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0)
        return err_errno(err, -errno, "inotify");
    /* One watch when both are the same directory. Gone: --rm was quicker, and we have it open. */
    uint32_t mask = IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF;
    inotify_add_watch(watch, rd->place.dir, mask);
    inotify_add_watch(watch, c->path, mask);
    return watch;
}

static bool is_over(struct store_container *c)
{
    return store_container_reload(c, NULL) < 0 || !container_is_up(c);
}

/* Delivers until the container has ended. inotify tells of each write and of the recorded end, the
 * pidfd of a monitor that was killed. */
static int follow(struct reader *rd, struct store_container *c, struct err *err)
{
    struct proc_id monitor;
    state_get_process(c->state, "Monitor", &monitor);
    auto_close int pidfd = proc_open(&monitor);
    auto_close int watch = watch_open(rd, c, err);
    if (watch < 0)
        return watch;
    for (;;) {
        bool over = is_over(c); /* before the last look */
        int r = read_on(rd), wait = when_wait(rd->options->until);
        if (r < 0 || over || wait == 0)
            return r < 0 ? err_errno(err, r, "read the log of %s", c->name) : 0;
        if (pidfd < 0 && (wait < 0 || wait > LOOK_AGAIN))
            wait = LOOK_AGAIN; /* nobody will tell of the end */
        struct pollfd p[2] = {{.fd = watch, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
        if (poll(p, 2, wait) < 0 && errno != EINTR)
            return err_errno(err, -errno, "poll");
        if (p[1].revents)
            close_fd(&pidfd);
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
    struct reader rd = {.options = o, .fn = fn, .arg = arg, .fd = -1};
    int r = log_place_open(c, &rd.place, err);
    if (r < 0)
        return r;
    if (rd.place.dir_fd < 0)
        return err_set(err, -EINVAL,
                       "this container is using the '%s' log driver, cannot read logs: this "
                       "container is not logging output",
                       rd.place.driver);
    r = o->tail >= 0 ? find_tail(&rd) : 0;
    if (r == 0)
        r = read_all(&rd, deliver);
    if (r < 0)
        err_errno(err, r, "read the log of %s", c->name);
    else if (o->follow && container_is_up(c))
        r = follow(&rd, c, err);
    else if (o->follow)
        read_on(&rd);
    close_fd(&rd.fd);
    log_place_done(&rd.place);
    buf_done(&rd.pending);
    return r;
}
