/* SPDX-License-Identifier: Apache-2.0 */
/* Reading events. */
#include "engine/events.h"

#include "base/file.h"
#include "base/json.h"
#include "base/when.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

static const char *const keys[] = {"container", "event", "image",  "label",
                                   "secret",    "type",  "volume", NULL};

int events_check_filters(const struct strv *filters, struct err *err)
{
    return filters_check(filters, keys, err);
}

/* A name, or the beginning of an id. */
static bool is_called(const json_t *event, const char *type, const char *value)
{
    const char *id = json_get_string(event, "ID", "");
    return strcmp(json_get_string(event, "Type", ""), type) == 0 &&
           (strcmp(json_get_string(event, "Name", ""), value) == 0 ||
            (*value && strncmp(id, value, strlen(value)) == 0));
}

static int match(void *arg, const char *key, const char *value, struct err *err)
{
    const json_t *event = arg;
    if (strcmp(key, "event") == 0)
        return strcmp(json_get_string(event, "Status", ""), value) == 0;
    if (strcmp(key, "type") == 0)
        return strcmp(json_get_string(event, "Type", ""), value) == 0;
    if (strcmp(key, "label") == 0)
        return filter_label(json_object_get(event, "Attributes"), value);
    if (strcmp(key, "image") == 0 && strcmp(json_get_string(event, "Type", ""), "image") != 0) {
        const char *image = json_get_string(event, "Image", "");
        return *image && strstr(image, value) != NULL;
    }
    return is_called(event, key, value);
}

struct reader {
    const struct events_options *o;
    int (*fn)(void *arg, json_t *event, struct err *err);
    void *arg;
    int fd;
    struct buf pending; /* the beginning of a line that is not whole yet */
};

int events_parse(const char *line, size_t len, const struct events_options *o, json_t **ret,
                 struct err *err)
{
    auto_json json_t *event = json_loadb(line, len, 0, NULL);
    struct timespec time = {0};
    bool matches = false;
    if (!json_is_object(event)) /* a write that a full disk cut off */
        return 0;
    time_parse(json_get_string(event, "Time", ""), &time);
    if ((when_is_set(o->since) && when_compare(time, o->since) < 0) ||
        (when_is_set(o->until) && when_compare(time, o->until) > 0))
        return 0;
    int r = filters_match(o->filters, match, event, &matches, err);
    if (r == 0 && matches)
        *ret = take_ptr(event);
    return r;
}

static int tell(struct reader *rd, const char *line, size_t len, struct err *err)
{
    auto_json json_t *event = NULL;
    int r = events_parse(line, len, rd->o, &event, err);
    return r < 0 || !event ? r : rd->fn(rd->arg, event, err);
}

static int read_available(struct reader *rd, struct err *err)
{
    char chunk[1 << 16];
    for (;;) {
        ssize_t n = rd->fd < 0 ? 0 : read(rd->fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_errno(err, -errno, "read events.log") : 0;
        buf_add(&rd->pending, chunk, (size_t)n);
        const char *start = rd->pending.data, *end = start + rd->pending.len, *nl;
        for (; (nl = memchr(start, '\n', (size_t)(end - start))); start = nl + 1) {
            int r = tell(rd, start, (size_t)(nl - start), err);
            if (r < 0)
                return r;
        }
        buf_consume(&rd->pending, (size_t)(start - rd->pending.data));
    }
}

static void open_log(struct reader *rd, struct engine *e, const char *name)
{
    close_fd(&rd->fd);
    buf_truncate(&rd->pending, 0);
    rd->fd = openat(e->store.root_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Whether the file that we read is no longer the current one. */
static bool was_moved(const struct reader *rd, struct engine *e)
{
    struct stat ours, current;
    if (fstatat(e->store.root_fd, "events.log", &current, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return rd->fd < 0 || fstat(rd->fd, &ours) < 0 || ours.st_ino != current.st_ino;
}

static int follow(struct reader *rd, struct engine *e, struct err *err)
{
    auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 ||
        inotify_add_watch(watch, e->store.root, IN_MODIFY | IN_CREATE | IN_MOVED_FROM) < 0)
        return err_errno(err, -errno, "watch %s", e->store.root);
    for (;;) {
        int r = read_available(rd, err), wait = -1;
        if (r == 0 && was_moved(rd, e)) {
            r = read_available(rd, err); /* what came between the two looks */
            open_log(rd, e, "events.log");
            if (r == 0)
                r = read_available(rd, err);
        }
        if (r < 0)
            return r;
        if ((wait = when_wait(rd->o->until)) == 0)
            return 0;
        struct pollfd p = {.fd = watch, .events = POLLIN};
        char events[4096];
        if (poll(&p, 1, wait) < 0 && errno != EINTR)
            return err_errno(err, -errno, "poll");
        while (read(watch, events, sizeof(events)) > 0)
            ;
    }
}

int events_read(struct engine *e, const struct events_options *o,
                int (*fn)(void *arg, json_t *event, struct err *err), void *arg, struct err *err)
{
    struct reader rd = {.o = o, .fn = fn, .arg = arg, .fd = -1};
    open_log(&rd, e, "events.log.1");
    int r = read_available(&rd, err);
    open_log(&rd, e, "events.log");
    if (r == 0)
        r = o->stream ? follow(&rd, e, err) : read_available(&rd, err);
    close_fd(&rd.fd);
    buf_done(&rd.pending);
    return r;
}

struct ending {
    const char *id;
    int code;
    bool found;
};

static int note_end(void *arg, json_t *event, struct err *err)
{
    struct ending *end = arg;
    if (strcmp(json_get_string(event, "ID", ""), end->id) != 0)
        return 0;
    end->code = (int)json_integer_value(json_object_get(event, "ContainerExitCode"));
    end->found = true;
    return 0;
}

bool events_exit_code(struct engine *e, const char *id, int *ret_code)
{
    struct ending end = {.id = id};
    auto_strv filters = {0};
    strv_add(&filters, "event=died");
    struct events_options o = {.filters = &filters};
    if (events_read(e, &o, note_end, &end, NULL) < 0 || !end.found)
        return false;
    *ret_code = end.code;
    return true;
}
