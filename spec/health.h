/* SPDX-License-Identifier: Apache-2.0 */
/* A health check: how a container is asked whether it does what it is for (docker's "Healthcheck"
 * of an image's and a container's configuration). */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdint.h>

/* docker's and podman's, for what is not said. */
#define HEALTH_INTERVAL INT64_C(30000000000) /* ns, as all times here */
#define HEALTH_TIMEOUT  INT64_C(30000000000)
#define HEALTH_RETRIES  3

struct health_check {
    struct strv test;       /* CMD WORD..., CMD-SHELL TEXT or NONE; empty: not said */
    int64_t interval;       /* between the end of a check and the next; 0: not said */
    int64_t timeout;        /* 0: not said */
    int64_t start_period;   /* failures before that do not count */
    int64_t start_interval; /* instead of `interval` in the start period; 0: the same */
    int64_t retries;        /* failures one after another that make it unhealthy; 0: not said */
    int64_t successes;      /* of a startup check: how many end the startup; 0: one */
};

/* Reads what an image or a container says; members it does not know are left alone. -EINVAL for
 * other types, or numbers below 0. */
int health_check_parse(const json_t *object, struct health_check *ret, struct err *err);
void health_check_done(struct health_check *h);
/* A new reference; what is not said is left out. */
json_t *health_check_json(const struct health_check *h);

/* --health-cmd as podman takes it: `none`, a JSON array of words, text behind CMD or CMD-SHELL, or
 * text for the shell. ERR_USAGE when there is no command in it. */
int health_test_parse(const char *text, struct strv *ret, struct err *err);

/* What is executed, appended; -ENOENT when there is no check: NONE, or nothing. */
int health_test_command(const struct strv *test, struct strv *ret);

DEFINE_AUTO(health_check, health_check_done)
