/* SPDX-License-Identifier: Apache-2.0 */
/* How a new container's health is checked, and what becomes of one that is unhealthy. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What the flags of the same names were given with; NULL and 0: they were not. */
struct health_options {
    char *cmd, *interval, *timeout, *start_period, *on_failure;
    char *startup_cmd, *startup_interval, *startup_timeout;
    int64_t retries, startup_retries, startup_success;
    bool none; /* --no-healthcheck */
};

/* Puts Healthcheck, StartupHealthCheck and HealthcheckOnFailureAction, with nothing left unsaid,
 * into Config of `document`. `image_check` (or NULL) is the image's Healthcheck, which the flags
 * but --health-cmd change. */
int create_health(const struct health_options *o, const json_t *image_check, json_t *document,
                  struct err *err);
