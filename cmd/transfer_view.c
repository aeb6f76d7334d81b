/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers as they go. */
#include "cmd/transfer_view.h"

#include "base/alloc.h"
#include "cmd/human.h"
#include "spec/digest.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SHORT_DIGEST    12
#define ROWS_DEFAULT    24
#define COLUMNS_DEFAULT 80
#define INTERVAL        0.1

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void transfer_view_init(struct transfer_view *v, const char *verb, bool quiet)
{
    *v = (struct transfer_view){.verb = verb, .quiet = quiet, .terminal = isatty(STDERR_FILENO)};
}

static void forget(struct transfer_view *v)
{
    free(take_ptr(v->states));
    free(take_ptr(v->since));
    v->n = v->drawn = 0;
}

void transfer_view_done(struct transfer_view *v)
{
    forget(v);
}

/* What is said of a transfer that has ended or waits. */
static const char *words(int state)
{
    switch (state) {
    case TRANSFER_WAITING: return "waiting for another pull of it";
    case TRANSFER_EXISTS: return "already there";
    case TRANSFER_MOUNTED: return "taken over from another repository";
    default: return NULL;
    }
}

/* "12.3 MB of 27.1 MB, 5.2 MB/s, 3 seconds left". */
static void add_rate(struct buf *out, const struct transfer *t, double elapsed)
{
    long long done = t->done, total = t->total;
    char text[HUMAN_MAX];
    double rate = elapsed > 0.2 ? (double)done / elapsed : 0;
    buf_add_str(out, human_size((uint64_t)done, " ", text));
    if (total > 0)
        buf_printf(out, " of %s", human_size((uint64_t)total, " ", text));
    if (rate < 1)
        return;
    buf_printf(out, ", %s/s", human_size((uint64_t)rate, " ", text));
    if (total > done)
        buf_printf(out, ", %s left",
                   human_duration((int64_t)((double)(total - done) / rate), text));
}

static void add_line(const struct transfer_view *v, const struct transfer *t, double since,
                     struct buf *out)
{
    char text[HUMAN_MAX];
    const char *say = words(t->state);
    long long size = t->total > 0 ? t->total : t->done;
    buf_printf(out, "%.*s  ", SHORT_DIGEST, digest_hex(t->digest));
    if (say)
        buf_add_str(out, say);
    else if (t->state == TRANSFER_PENDING)
        buf_add_str(out, "pending");
    else if (t->state == TRANSFER_DONE)
        buf_printf(out, "done, %s", human_size((uint64_t)size, " ", text));
    else if (t->state == TRANSFER_FINISHING)
        buf_printf(out, "storing, %s", human_size((uint64_t)size, " ", text));
    else {
        buf_printf(out, "%s ", v->verb);
        add_rate(out, t, now() - since);
    }
}

static struct winsize terminal_size(void)
{
    struct winsize size = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 3 || size.ws_col < 10)
        size = (struct winsize){.ws_row = ROWS_DEFAULT, .ws_col = COLUMNS_DEFAULT};
    return size;
}

static bool has_ended(int state)
{
    return state == TRANSFER_DONE || state == TRANSFER_EXISTS || state == TRANSFER_MOUNTED;
}

/* All of them, or as many that are under way as the terminal has room for. */
static void draw(struct transfer_view *v, const struct transfer *all, size_t n)
{
    auto_buf out = {0};
    struct winsize size = terminal_size();
    size_t room = size.ws_row - 1u, lines = 0, ended = 0;
    if (v->drawn)
        buf_printf(&out, "\033[%zuA", v->drawn);
    for (size_t i = 0; i < n; i++) {
        ended += has_ended(all[i].state);
        if (n > room && (has_ended(all[i].state) || lines + 1 >= room))
            continue;
        auto_buf line = {0};
        add_line(v, &all[i], v->since[i], &line);
        /* One that wraps would be two for the cursor. */
        buf_printf(&out, "\r\033[K%.*s\n", size.ws_col - 1, buf_str(&line));
        lines++;
    }
    if (n > room) {
        buf_printf(&out, "\r\033[K%zu of %zu layers are there\n", ended, n);
        lines++;
    }
    for (size_t i = lines; i < v->drawn; i++)
        buf_add_str(&out, "\r\033[K\n");
    v->drawn = lines > v->drawn ? lines : v->drawn;
    fputs(buf_str(&out), stderr);
    fflush(stderr);
}

static void tell(struct transfer_view *v, const struct transfer *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        auto_buf line = {0};
        int state = all[i].state;
        if (state == v->states[i] || (!has_ended(state) && state != TRANSFER_WAITING))
            continue;
        v->states[i] = state;
        add_line(v, &all[i], v->since[i], &line);
        fprintf(stderr, "%s\n", buf_str(&line));
    }
}

void transfer_view_update(struct transfer_view *v, const struct transfer *all, size_t n)
{
    double t = now();
    bool ended = true;
    if (!all) { /* these are over */
        forget(v);
        return;
    }
    if (!v->states) {
        v->states = xcalloc(n, sizeof(*v->states));
        v->since = xcalloc(n, sizeof(*v->since));
        v->n = n;
    }
    for (size_t i = 0; i < n; i++) {
        ended = ended && has_ended(all[i].state);
        if (all[i].state == TRANSFER_RUNNING && v->since[i] == 0)
            v->since[i] = t;
    }
    if (!v->terminal)
        tell(v, all, n);
    else if (ended || t - v->last >= INTERVAL) {
        v->last = t;
        draw(v, all, n);
    }
}

static void watch(void *arg, const struct transfer *all, size_t n)
{
    transfer_view_update(arg, all, n);
}

static void say(void *arg, const char *line)
{
    fprintf(stderr, "%s\n", line);
}

struct transfer_watch transfer_view_watch(struct transfer_view *v)
{
    if (v->quiet)
        return (struct transfer_watch){0};
    return (struct transfer_watch){.say = say, .watch = watch, .arg = v};
}
