/* SPDX-License-Identifier: Apache-2.0 */
/* wherry wait: waits for containers and prints their exit codes. */
#include "base/when.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/events.h"
#include "engine/health.h"
#include "engine/life.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct select_values select;
    struct strv conditions;
    char *interval;
    bool ignore;
};

static const struct opt opts[] = {
    OPT_CSV_ROW(0, "condition", values, conditions, "STATUS",
                "Status to wait for: configured, created, running, paused, restarting, stopped, "
                "exited, healthy or unhealthy (default stopped)"),
    OPT_BOOL_ROW(0, "ignore", values, ignore, "A container that does not exist counts as -1"),
    OPT_STRING_ROW('i', "interval", values, interval, "DURATION",
                   "Look this often, too, for a store whose file system does not tell of changes "
                   "(milliseconds, or with a unit)"),
    SELECT_LATEST_ROW,
    {0},
};

struct wait {
    unsigned states;
    bool healthy, unhealthy; /* wait for these, too */
    int64_t interval;
};

static int add_condition(const char *word, struct wait *w, struct err *err)
{
    static const struct {
        const char *name;
        enum container_status status;
    } known[] = {{"configured", CONTAINER_CREATED},   {"created", CONTAINER_CREATED},
                 {"running", CONTAINER_RUNNING},      {"paused", CONTAINER_PAUSED},
                 {"stopped", CONTAINER_EXITED},       {"exited", CONTAINER_EXITED},
                 {"restarting", CONTAINER_RESTARTING}};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i].name, word) == 0) {
            w->states |= STATUS_BIT(known[i].status);
            return 0;
        }
    bool *health = strcmp(word, "healthy") == 0     ? &w->healthy
                   : strcmp(word, "unhealthy") == 0 ? &w->unhealthy
                                                    : NULL;
    if (!health)
        return err_kind(err, ERR_USAGE, -EINVAL, "unknown container state: %s", word);
    *health = true;
    return 0;
}

/* podman's: a plain number is milliseconds. */
static int parse_interval(const char *text, int64_t *ret, struct err *err)
{
    struct timespec zero = {0}, before;
    size_t digits = strspn(text, "0123456789");
    if (digits && !text[digits] && digits < 10) {
        *ret = strtoll(text, NULL, 10);
        return 0;
    }
    int r = when_parse(text, zero, &before, err);
    if (r < 0 || before.tv_sec > 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid interval \"%s\"", text);
    *ret = -(int64_t)before.tv_sec * 1000 - before.tv_nsec / 1000000;
    return 0;
}

static bool seen(struct store_container *c, void *arg)
{
    const struct wait *w = arg;
    enum container_status status = container_status(c);
    if (w->states & STATUS_BIT(status))
        return true;
    if ((!w->healthy && !w->unhealthy) || status != CONTAINER_RUNNING)
        return false;
    auto_free char *health = health_status(c);
    return (w->healthy && strcmp(health, "healthy") == 0) ||
           (w->unhealthy && strcmp(health, "unhealthy") == 0);
}

static int wait_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                    struct err *err)
{
    const struct wait *w = arg;
    int code, r = container_await_until(c, seen, arg, -1, w->interval, err);
    if (r == 0)
        code = container_exit_code(c);
    else if (r == -ENOENT && (w->states & STATUS_BIT(CONTAINER_EXITED)) &&
             events_exit_code(in->engine, c->id, &code))
        r = 0; /* --rm was quicker than our look */
    if (r == 0)
        printf("%d\n", code);
    return r;
}

static int wait_all(struct invocation *in, const struct values *v, const struct strv *names,
                    struct wait *w, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < names->len; i++) {
        struct err one = {0};
        struct strv name = {.v = &names->v[i], .len = 1};
        int r = each_container(in, &name, false, wait_one, w, &one);
        if (r < 0 && v->ignore && one.kind == ERR_NOT_FOUND) {
            puts("-1");
            r = 0;
        }
        if (r < 0)
            each_failed(r, &one, &result, err);
    }
    return result;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    struct wait w = {.states = v->conditions.len ? 0 : STATUS_BIT(CONTAINER_EXITED)};
    auto_strv names = {0};
    int r = v->interval ? parse_interval(v->interval, &w.interval, err) : 0;
    for (size_t i = 0; r == 0 && i < v->conditions.len; i++)
        r = add_condition(v->conditions.v[i], &w, err);
    if (r == 0)
        r = select_containers(in, &v->select, args, 0, false, &names, err);
    return r < 0 ? r : wait_all(in, v, &names, &w, err);
}

const struct command cmd_wait = {
    .name = "wait",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Wait until containers stop, and print their exit codes",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
