/* SPDX-License-Identifier: Apache-2.0 */
/* How long a new container lives and what becomes of its output. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdint.h>

/* What the flags of the same names were given with; NULL, empty and 0: the default. */
struct life_options {
    char *restart, *log_driver;
    char *pid_file, *monitor_pid_file; /* where the pids of init and of the monitor are written */
    struct strv log_options;           /* NAME=VALUE */
    struct strv requires; /* containers that are started before it (engine/dependencies.h) */
    int64_t timeout;      /* seconds */
};

/* Checks them and puts them into Config and HostConfig of `document`. */
int create_life(const struct life_options *o, json_t *document, struct err *err);
