/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for health checks. */
#pragma once

#include "engine/create_health.h"

/* For the member `health`, a struct health_options, of struct container_values. */
#define HEALTH_NUMBER_ROW(long_name, field, text, least)                                           \
    {                                                                                              \
        .type = OPT_INT, .name = long_name,                                                        \
        .offset = offsetof(struct container_values, health.field), .value = "N", .help = text,     \
        .min = least, .max = INT32_MAX                                                             \
    }

#define HEALTH_OPTION_ROWS                                                                         \
    OPT_STRING_ROW(0, "health-cmd", container_values, health.cmd, "COMMAND",                       \
                   "Check the container's health by this command (text for a shell, a JSON array " \
                   "or none)"),                                                                    \
        OPT_STRING_ROW(0, "health-interval", container_values, health.interval, "DURATION",        \
                       "Time between two checks (default 30s; disable: only when asked to)"),      \
        OPT_CHOICE_ROW(0, "health-on-failure", container_values, health.on_failure, "ACTION",      \
                       "What becomes of an unhealthy container: none (the default), kill, "        \
                       "restart or stop",                                                          \
                       "none|kill|restart|stop"),                                                  \
        HEALTH_NUMBER_ROW("health-retries", retries,                                               \
                          "Failures, one after another, that make it unhealthy (default 3)", 1),   \
        OPT_STRING_ROW(0, "health-start-period", container_values, health.start_period,            \
                       "DURATION", "Time after the start in which failures do not count"),         \
        OPT_STRING_ROW(0, "health-startup-cmd", container_values, health.startup_cmd, "COMMAND",   \
                       "Check by this command until it succeeds, before the others begin"),        \
        OPT_STRING_ROW(0, "health-startup-interval", container_values, health.startup_interval,    \
                       "DURATION", "Time between two startup checks (default 30s)"),               \
        HEALTH_NUMBER_ROW("health-startup-retries", startup_retries,                               \
                          "Failed startup checks after which it is restarted (default 0: never)",  \
                          0),                                                                      \
        HEALTH_NUMBER_ROW("health-startup-success", startup_success,                               \
                          "Successful startup checks that are needed (default 0: one)", 0),        \
        OPT_STRING_ROW(0, "health-startup-timeout", container_values, health.startup_timeout,      \
                       "DURATION", "Time that a startup check may take (default 30s)"),            \
        OPT_STRING_ROW(0, "health-timeout", container_values, health.timeout, "DURATION",          \
                       "Time that a check may take before it has failed (default 30s)"),           \
        OPT_BOOL_ROW(0, "no-healthcheck", container_values, health.none,                           \
                     "Do not check the container's health, whatever the image says")
