/* SPDX-License-Identifier: Apache-2.0 */
/* The container's monitor: judging what health checks found.
 *
 * The rules are podman's. A success makes it healthy. Failures after the start period count, and
 * `retries` of them in a row make it unhealthy. While there is a startup check nothing else is
 * judged: as many successes as it asks for end it, as many failures restart the container. */
#include "engine/health.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "engine/events.h"
#include "engine/state.h"
#include "spec/health.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum action { ACTION_NONE, ACTION_KILL, ACTION_RESTART, ACTION_STOP };

struct health {
    struct store *store;
    struct store_container *container;
    struct health_check check, startup; /* startup.test is empty: there is none */
    enum action action;
    /* Of the run that is now. */
    int64_t began; /* ms, monotonic */
    bool starting_up, restarts;
    int64_t startup_successes, startup_failures, streak;
    const char *status;
    json_t *log;
};

static const char *const names[] = {
    [CHECK_HEALTHY] = "healthy", [CHECK_UNHEALTHY] = "unhealthy", [CHECK_STARTING] = "starting"};

static enum action action_of(const json_t *config)
{
    static const char *const words[] = {"none", "kill", "restart", "stop"};
    const char *word = json_get_string(config, "HealthcheckOnFailureAction", "none");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return ACTION_NONE;
}

struct health *health_open(struct store *s, struct store_container *c)
{
    if (!health_is_checked(c))
        return NULL;
    const json_t *config = json_object_get(c->config, "Config");
    const json_t *startup = json_object_get(config, "StartupHealthCheck");
    struct health *h = new0(struct health);
    *h = (struct health){.store = s, .container = c, .action = action_of(config)};
    health_check_parse(json_object_get(config, "Healthcheck"), &h->check, NULL);
    if (startup)
        health_check_parse(startup, &h->startup, NULL);
    return h;
}

static const struct health_check *current(const struct health *h)
{
    return h->starting_up ? &h->startup : &h->check;
}

static int64_t to_ms(int64_t ns)
{
    return (ns + 999999) / 1000000;
}

static bool in_start_period(const struct health *h)
{
    return when_monotonic_ms() - h->began < to_ms(h->check.start_period);
}

static int64_t next_check(const struct health *h)
{
    const struct health_check *check = current(h);
    int64_t interval = check->interval;
    if (interval == 0) /* disable */
        return -1;
    if (!h->starting_up && check->start_interval && in_start_period(h))
        interval = check->start_interval;
    return to_ms(interval);
}

int64_t health_first(const struct health *h)
{
    const struct health_check *first = h->startup.test.len ? &h->startup : &h->check;
    return first->interval ? 0 : -1;
}

bool health_restarts(const struct health *h)
{
    return h->restarts;
}

static void record(struct health *h)
{
    auto_json json_t *doc = json_pack("{s:s, s:I, s:O}", "Status", h->status, "FailingStreak",
                                      (json_int_t)h->streak, "Log", h->log);
    struct err err = {0};
    if (json_write_at(h->container->fd, "health.json", doc, 0, &err) < 0)
        log_debug("health.json: %s", err.message);
}

void health_started(struct health *h)
{
    h->began = when_monotonic_ms();
    h->starting_up = h->startup.test.len > 0;
    h->restarts = false;
    h->startup_successes = h->startup_failures = h->streak = 0;
    h->status = names[CHECK_STARTING];
    json_decref(h->log);
    h->log = json_array();
    record(h);
}

/* --- one check ------------------------------------------------------------------------------ */

pid_t health_check_start(struct health *h, int *ret_fd, int64_t *ret_limit, struct err *err)
{
    auto_free char *program = NULL;
    int ends[2];
    int r = program_find("wherry", &program, err);
    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    char *argv[] = {program,
                    "--root",
                    h->store->root,
                    "--runroot",
                    h->store->runroot,
                    "healthcheck",
                    "run",
                    h->starting_up ? "--perform=startup" : "--perform=check",
                    h->container->id,
                    NULL};
    struct spawn sp = {.path = program,
                       .argv = argv,
                       .stdin_fd = -1,
                       .stdout_fd = ends[1],
                       .stderr_fd = -1,
                       .die_with_parent = true};
    pid_t pid = proc_spawn(&sp, err);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return pid;
    }
    *ret_fd = ends[0];
    *ret_limit = to_ms(current(h)->timeout);
    return pid;
}

/* The entry for the log; a check that could not be made is one that failed. */
static json_t *read_found(const char *found, size_t len)
{
    json_t *entry = len ? json_loadb(found, len, 0, NULL) : NULL;
    char now[36];
    if (json_is_object(entry))
        return entry;
    json_decref(entry);
    time_format(time_now(), now);
    return json_pack("{s:s, s:s, s:i, s:s}", "Start", now, "End", now, "ExitCode", -1, "Output",
                     "the check could not be made");
}

static int64_t stop_patience(const json_t *config)
{
    int64_t seconds = STOP_TIMEOUT_DEFAULT;
    json_want_int(config, "StopTimeout", &seconds, NULL);
    return seconds < INT32_MAX ? seconds * 1000 : INT64_C(1000) * INT32_MAX;
}

static void end_container(struct health *h, enum action action, struct check_verdict *ret)
{
    const json_t *config = json_object_get(h->container->config, "Config");
    int64_t sig = SIGTERM;
    json_want_int(config, "StopSignal", &sig, NULL);
    ret->signal = action == ACTION_KILL || sig <= 0 || sig >= NSIG ? SIGKILL : (int)sig;
    ret->patience = stop_patience(config);
    ret->final = action != ACTION_RESTART;
    h->restarts = action == ACTION_RESTART;
}

/* What is told to who asked for the check; the container is starting in any case. */
static enum check_health judge_startup(struct health *h, bool good, struct check_verdict *ret)
{
    if (good && ++h->startup_successes >= h->startup.successes) {
        h->starting_up = false;
        ret->next = h->check.interval ? 0 : -1;
    }
    if (!good && ++h->startup_failures >= h->startup.retries && h->startup.retries > 0)
        end_container(h, ACTION_RESTART, ret);
    return good ? CHECK_HEALTHY : CHECK_STARTING;
}

static enum check_health judge(struct health *h, bool good, struct check_verdict *ret)
{
    if (good) {
        h->streak = 0;
        h->status = names[CHECK_HEALTHY];
        return CHECK_HEALTHY;
    }
    if (in_start_period(h))
        return CHECK_STARTING;
    h->streak++;
    if (h->streak >= h->check.retries) {
        h->status = names[CHECK_UNHEALTHY];
        if (h->action != ACTION_NONE)
            end_container(h, h->action, ret);
    }
    return CHECK_UNHEALTHY;
}

void health_checked(struct health *h, const char *found, size_t len, struct check_verdict *ret)
{
    const char *before = h->status;
    json_t *entry = read_found(found, len);
    const json_t *code = json_object_get(entry, "ExitCode");
    bool good = json_is_integer(code) && json_integer_value(code) == 0;
    bool startup = h->starting_up;
    json_array_append_new(h->log, entry);
    if (json_array_size(h->log) > HEALTH_LOG)
        json_array_remove(h->log, 0);
    ret->next = -1;
    ret->health = startup ? judge_startup(h, good, ret) : judge(h, good, ret);
    if (ret->next < 0 && !ret->signal)
        ret->next = next_check(h);
    if (h->status != before) /* told before it can be seen */
        event_health(h->store, h->container, h->status);
    record(h);
}
