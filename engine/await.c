/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a container's status. */
#include "engine/life.h"

#include "base/proc.h"
#include "base/when.h"
#include "engine/state.h"

#include <poll.h>
#include <sys/inotify.h>
#include <time.h>

#define BLIND_INTERVAL 100 /* ms, when the user has no inotify instance left */

/* Whose end changes the status without anybody's writing it: the last that keeps it up. */
static int watch_process(const struct store_container *c)
{
    struct proc_id init, monitor;
    state_get_process(c->state, "Init", &init);
    state_get_process(c->state, "Monitor", &monitor);
    int fd = proc_open(&monitor);
    return fd >= 0 ? fd : proc_open(&init);
}

/* Returns when something may have changed or the time is over. */
static int wait_for_change(const struct store_container *c, int watch, int64_t ms, struct err *err)
{
    auto_close int process = watch_process(c);
    struct pollfd p[2] = {{.fd = watch, .events = POLLIN}, {.fd = process, .events = POLLIN}};
    if (poll(p, 2, ms > INT32_MAX ? INT32_MAX : (int)ms) < 0 && errno != EINTR)
        return err_errno(err, -errno, "poll");
    char events[4096];
    while (watch >= 0 && read(watch, events, sizeof(events)) > 0)
        ;
    return 0;
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

int container_await_until(struct store_container *c, bool (*seen)(struct store_container *, void *),
                          void *arg, int64_t timeout, int64_t interval, struct err *err)
{
    int64_t end = timeout < 0 ? -1 : when_monotonic_ms() + timeout;
    auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    /* Set before the first look, so that nothing happens between the two. */
    if (watch < 0 ||
        inotify_add_watch(watch, c->path, IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
        interval = BLIND_INTERVAL;
    for (;;) {
        int r = store_container_reload(c, err);
        if (r < 0 || seen(c, arg))
            return r;
        int64_t left = end < 0 ? -1 : end - when_monotonic_ms();
        if (end >= 0 && left <= 0)
            return err_set(err, -ETIMEDOUT, "container %s: it took too long", c->name);
        r = wait_for_change(c, watch, shorter(left, interval > 0 ? interval : -1), err);
        if (r < 0)
            return r;
    }
}

static bool has_status(struct store_container *c, void *arg)
{
    return *(unsigned *)arg & STATUS_BIT(container_status(c));
}

int container_await(struct store_container *c, unsigned states, int64_t timeout, int64_t interval,
                    struct err *err)
{
    return container_await_until(c, has_status, &states, timeout, interval, err);
}
