/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the next request.
 *
 * Theory of operation. A small operation is two wake-ups and a few microseconds of work. Waking a
 * task on another CPU that sleeps takes 2 to 5 microseconds on bare metal and some 30 on a virtual
 * machine, and the next request of a busy task comes sooner than that. So before it goes to sleep
 * the server looks for a request a while longer, as locks do before they sleep.
 *
 * Should: leave the CPU to whoever wants it meanwhile, by yielding at each look. Mustn't: burn time
 * where nothing comes: looking on pays only for itself while most looks find something, so it is
 * given up after a few that did not, and tried again only now and then; with a single CPU, on which
 * it could only be in the way, never. */
#include "overlay-fuse/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE =
        60000,      /* nanoseconds; a client on another CPU of a virtual machine is back by then */
    MISSES_MAX = 4, /* in a row before it is given up */
    REST = 64       /* requests until it is tried again */
};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void server_wait_init(struct server *s, int fd)
{
    cpu_set_t all;
    int flags = fcntl(fd, F_GETFL);
    bool several = sched_getaffinity(0, sizeof(all), &all) == 0 && CPU_COUNT(&all) > 1;
    s->wait = (struct wait){.misses = MISSES_MAX};
    s->wait.may_look = several && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* True: the time for looking on is over. */
static bool give_up(struct wait *w, int64_t *start)
{
    if (!w->may_look || w->rest)
        return true;
    if (!*start) {
        *start = now();
        return false;
    }
    if (now() - *start < PATIENCE) {
        sched_yield();
        return false;
    }
    if (++w->misses >= MISSES_MAX)
        w->rest = REST;
    return true;
}

ssize_t server_wait_read(struct server *s, int fd, void *buf, size_t len)
{
    struct wait *w = &s->wait;
    int64_t start = 0;
    if (w->rest)
        w->rest--;
    for (bool asleep = false;;) {
        ssize_t n = read(fd, buf, len);
        if (n >= 0 || errno != EAGAIN) {
            if (start && !asleep)
                w->misses = 0;
            return n;
        }
        if (w->never)
            return n;
        if (!asleep && !give_up(w, &start))
            continue;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        asleep = true;
        if (poll(&p, 1, -1) < 0)
            return -1;
    }
}
