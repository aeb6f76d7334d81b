/* SPDX-License-Identifier: Apache-2.0 */
/* wherry healthcheck run: checks a container's health now. */
#include "base/seal.h"
#include "cmd/commands.h"
#include "engine/health.h"

#include <stdio.h>
#include <string.h>

struct values {
    char *perform; /* given by the container's monitor (engine/health.h) */
};

static const struct opt opts[] = {
    {.type = OPT_CHOICE,
     .name = "perform",
     .offset = offsetof(struct values, perform),
     .value = "WHICH",
     .help = "Make the check here, and tell what it found as JSON",
     .choices = "check|startup",
     .hidden = true},
    {0},
};

static int ask(struct invocation *in, struct store_container *c, struct err *err)
{
    enum check_health health;
    int r = health_ask(in->engine, c, &health, err);
    if (r < 0 || health == CHECK_HEALTHY)
        return r;
    puts(health == CHECK_STARTING ? "starting" : "unhealthy");
    in->exit_status = 1;
    return 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    int r = v->perform ? seal_program(in->argv, err) : 0;
    if (r == 0)
        r = store_container_find(&in->engine->store, args->v[0], &c, err);
    if (r < 0)
        return r;
    return v->perform ? health_perform(in->engine, &c, strcmp(v->perform, "startup") == 0, err)
                      : ask(in, &c, err);
}

const struct command cmd_healthcheck_run = {
    .name = "run",
    .usage = "CONTAINER",
    .summary = "Check a container's health now",
    .details =
        "Exits with 0 when the check succeeded, 1 when it failed, and 125 when it could not\n"
        "be made: the container does not run, or has no health check.\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
