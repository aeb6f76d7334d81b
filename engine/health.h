/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks of a container.
 *
 * Theory of operation. What is checked is in config.json (Config.Healthcheck, StartupHealthCheck,
 * HealthcheckOnFailureAction; spec/health.h), all of it decided at `create`. The container's
 * monitor says when (runtime/monitor_health.c) and starts `wherry healthcheck run --perform`, a
 * program of its own, as what enters a container must not be a program the container could write to
 * (base/seal.h). That joins the container as `exec` does, and tells what it found as JSON. The
 * monitor judges, and is the only one to write health.json in the container's directory: Status
 * (starting, healthy, unhealthy), FailingStreak, and Log, the last checks with Start, End, ExitCode
 * and Output. A start begins anew. */
#pragma once

#include "engine/container.h"
#include "runtime/monitor.h"

#define HEALTH_LOG    5 /* checks that are kept, and bytes of the output of each: podman's */
#define HEALTH_OUTPUT 500

/* Whether there is a check, by timer or when asked for. */
bool health_is_checked(const struct store_container *c);
/* State.Health as inspect shows it; without a check its Status is "". New reference. */
json_t *health_read(const struct store_container *c);
/* "starting", "healthy" or "unhealthy"; "" without a check. The caller frees. */
char *health_status(const struct store_container *c);

/* Has the monitor check it now. One that does not run, or without a check, is an error. */
int health_ask(struct engine *e, struct store_container *c, enum check_health *ret,
               struct err *err);

/* In the program that the monitor starts: makes one check, the startup's or the ordinary one, and
 * writes what it found to standard output. */
int health_perform(struct engine *e, struct store_container *c, bool startup, struct err *err);

/* --- in the monitor ------------------------------------------------------------------------- */

/* NULL when there is no check. `c` and `s` are borrowed. */
struct health *health_open(struct store *s, struct store_container *c);
/* ms from a start to the first check, as monitor_options has it. */
int64_t health_first(const struct health *h);
/* The container was started: what was known of the last run goes. */
void health_started(struct health *h);
/* Whether the end that is now was asked for by --health-on-failure=restart, or by the startup. */
bool health_restarts(const struct health *h);
/* As monitor_ops.check and .checked. */
pid_t health_check_start(struct health *h, int *ret_fd, int64_t *ret_limit, struct err *err);
void health_checked(struct health *h, const char *found, size_t len, struct check_verdict *ret);
