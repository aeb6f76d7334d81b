/* SPDX-License-Identifier: Apache-2.0 */
/* Times, and what changes by a call and what does not. */
#include "posix.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <time.h>

/* SECONDS[.NANOSECONDS], now or omit */
static struct timespec time_of(const char *arg)
{
    if (strcmp(arg, "now") == 0)
        return (struct timespec){.tv_nsec = UTIME_NOW};
    if (strcmp(arg, "omit") == 0)
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    char *end;
    struct timespec t = {.tv_sec = strtoll(arg, &end, 10)};
    if (*end == '.')
        t.tv_nsec = strtol(end + 1, &end, 10);
    if (*end)
        bad_argument("not a time", arg);
    return t;
}

/* utimens PATH ATIME MTIME, lutimens the same of a link itself, futimens SLOT ATIME MTIME */
static int do_utimens(struct run *r, char **arg, int n, struct buf *ret)
{
    struct timespec t[2] = {time_of(arg[1]), time_of(arg[2])};
    return result(utimensat(AT_FDCWD, arg[0], t, 0));
}

static int do_lutimens(struct run *r, char **arg, int n, struct buf *ret)
{
    struct timespec t[2] = {time_of(arg[1]), time_of(arg[2])};
    return result(utimensat(AT_FDCWD, arg[0], t, AT_SYMLINK_NOFOLLOW));
}

static int do_futimens(struct run *r, char **arg, int n, struct buf *ret)
{
    struct timespec t[2] = {time_of(arg[1]), time_of(arg[2])};
    return result(futimens(slot_fd(r, arg[0]), t));
}

static bool after(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Until the clock that file systems take their times from has moved on. */
static void wait_for_tick(void)
{
    struct timespec start, now;
    clock_gettime(CLOCK_REALTIME, &start);
    do {
        sched_yield();
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    } while (!after(now, start));
}

/* lstat() of a path, or fstat() of a slot: "@1". */
static int stat_of(const struct run *r, const char *what, struct stat *ret)
{
    return result(*what == '@' ? fstat(slot_fd(r, what + 1), ret) : lstat(what, ret));
}

/* mark WHAT...: remembers attributes, which are older than those of everything that comes. */
static int do_mark(struct run *r, char **arg, int n, struct buf *ret)
{
    for (int i = 0; i < n; i++) {
        size_t at = 0;
        while (at < r->n_marks && strcmp(r->marks[at].path, arg[i]) != 0)
            at++;
        if (at == sizeof(r->marks) / sizeof(*r->marks))
            bad_argument("too many marks", arg[i]);
        int e = stat_of(r, arg[i], &r->marks[at].st);
        if (e < 0)
            return e;
        if (at == r->n_marks)
            r->marks[r->n_marks++].path = xstrdup(arg[i]);
    }
    wait_for_tick();
    return 0;
}

static int both(const struct run *r, const char *what, struct stat *ret_old, struct stat *ret_new)
{
    for (size_t i = 0; i < r->n_marks; i++)
        if (strcmp(r->marks[i].path, what) == 0) {
            *ret_old = r->marks[i].st;
            return stat_of(r, what, ret_new);
        }
    bad_argument("not marked", what);
}

static const struct {
    const char *name;
    size_t offset;
} times[] = {{"atime", offsetof(struct stat, st_atim)},
             {"mtime", offsetof(struct stat, st_mtim)},
             {"ctime", offsetof(struct stat, st_ctim)}};

static struct timespec pick(const struct stat *st, const char *name)
{
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
        if (strcmp(name, times[i].name) == 0)
            return *(const struct timespec *)((const char *)st + times[i].offset);
    bad_argument("unknown time", name);
}

/* changed WHAT TIME...: they are later than when it was marked. */
static int do_changed(struct run *r, char **arg, int n, struct buf *ret)
{
    struct stat a, b;
    int e = both(r, arg[0], &a, &b);
    for (int i = 1; e == 0 && i < n; i++)
        if (!after(pick(&b, arg[i]), pick(&a, arg[i])))
            buf_printf(ret, "%s is as before ", arg[i]);
    return e;
}

/* same WHAT [TIME...]: they, or all three and mode, owner, links, size, are what they were. */
static int do_same(struct run *r, char **arg, int n, struct buf *ret)
{
    static char *all[] = {NULL, (char *)"mtime", (char *)"ctime"};
    struct stat a, b;
    int e = both(r, arg[0], &a, &b);
    if (e < 0)
        return e;
    if (n == 1) {
        if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid ||
            a.st_nlink != b.st_nlink || a.st_size != b.st_size || a.st_ino != b.st_ino)
            buf_add_str(ret, "attributes differ ");
        arg = all;
        n = 3;
    }
    for (int i = 1; i < n; i++) {
        struct timespec s = pick(&a, arg[i]), t = pick(&b, arg[i]);
        if (after(s, t) || after(t, s))
            buf_printf(ret, "%s differs ", arg[i]);
    }
    return e;
}

/* ino WHAT: "same" as when it was marked, or "other". */
static int do_ino(struct run *r, char **arg, int n, struct buf *ret)
{
    struct stat a, b;
    int e = both(r, arg[0], &a, &b);
    if (e == 0)
        buf_add_str(ret, a.st_ino == b.st_ino && a.st_dev == b.st_dev ? "same" : "other");
    return e;
}

const struct call calls_times[] = {{"utimens", 3, 3, do_utimens},   {"lutimens", 3, 3, do_lutimens},
                                   {"futimens", 3, 3, do_futimens}, {"mark", 1, 8, do_mark},
                                   {"changed", 2, 4, do_changed},   {"same", 1, 4, do_same},
                                   {"ino", 1, 1, do_ino},           {NULL, 0, 0, NULL}};
