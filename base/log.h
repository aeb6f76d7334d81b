/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics on stderr. Libraries log at debug only; what a user must read is an error or a
 * result, and travels as one. The level comes from --log-level or WHERRY_LOG (error, warn, info,
 * debug). */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Sets the level by name; false when there is no such level. */
bool log_set_level(const char *name);
bool log_enabled(enum log_level level);
/* One line, one write, so that lines of several processes do not mix. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_LEVEL_DEBUG))                                                          \
            log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                                                \
    } while (0)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
