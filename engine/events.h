/* SPDX-License-Identifier: Apache-2.0 */
/* What happened: a file of events in the store, and reading it.
 *
 * Theory of operation. Whoever does something appends one line of JSON to events.log, by one write
 * to a descriptor with O_APPEND, so that lines of several writers never mix; nothing is synced, and
 * a failure is no failure of what was done. Who finds the file larger than EVENTS_MAX moves it to
 * events.log.1, whose predecessor goes. A line has podman's members: Type, Status, Time, ID, Name,
 * Image, Attributes (the labels), ContainerExitCode (of "died"), HealthStatus (of "health_status").
 * Health is told when it changes, not with each check. */
#pragma once

#include "engine/container.h"

#define EVENTS_MAX (4 << 20)

/* `exit_code`: of "died", else -1. */
void event_container(struct store *s, const struct store_container *c, const char *status,
                     int exit_code);
/* Of a command in it: "exec", "exec_died". */
void event_exec(struct store *s, const struct store_container *c, const char *status,
                const char *exec_id, int exit_code);
/* "health_status": it became `health`. */
void event_health(struct store *s, const struct store_container *c, const char *health);
/* id and name may be NULL. */
void event_image(struct store *s, const char *status, const char *id, const char *name);
void event_volume(struct store *s, const char *status, const char *name);
void event_secret(struct store *s, const char *status, const char *id);

struct events_options {
    const struct strv *filters; /* container, event, image, label, secret, type, volume */
    struct timespec since;      /* zero: from the oldest that is known */
    struct timespec until;      /* zero: without an end */
    bool stream;                /* go on when the last one that is known was told */
};

int events_check_filters(const struct strv *filters, struct err *err);

/* The event in a line of events.log, a new reference; *ret stays as it is when the line is damaged
 * or not what `o` asks for. */
int events_parse(const char *line, size_t len, const struct events_options *o, json_t **ret,
                 struct err *err);

/* Calls fn for each event in order; it ends the reading with a negative errno. Returns at `until`,
 * or without `stream` at the end of what is known. */
int events_read(struct engine *e, const struct events_options *o,
                int (*fn)(void *arg, json_t *event, struct err *err), void *arg, struct err *err);

/* How the container of this id ended last, as far as it is known: *ret_code from its "died". Tells
 * also of one that is gone. */
bool events_exit_code(struct engine *e, const char *id, int *ret_code);
