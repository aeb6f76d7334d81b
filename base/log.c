/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics on stderr. */
#include "base/log.h"

#include "base/buf.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"error", "warn", "info", "debug"};

/* The level is the program's one piece of process-wide state besides its tables: -1 until asked. */
static int current = -1;

bool log_set_level(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0) {
            current = i;
            return true;
        }
    return false;
}

bool log_enabled(enum log_level level)
{
    if (current < 0) {
        const char *env = getenv("WHERRY_LOG");
        if (!env || !log_set_level(env))
            current = LOG_LEVEL_WARN;
    }
    return (int)level <= current;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (!log_enabled(level))
        return;
    auto_buf b = {0};
    buf_printf(&b, "wherry[%d] %s: ", (int)getpid(), names[level]);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    buf_add_char(&b, '\n');
    write_full(STDERR_FILENO, b.data, b.len);
}
