/* SPDX-License-Identifier: Apache-2.0 */
/* The one error type. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Names in a message may be an image's or a container's: they steer no terminal. */
static void disarm(char *text)
{
    for (char *p = text; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 127)
            *p = '?';
}

static int fill(struct err *err, enum err_kind kind, int code, const char *fmt, va_list ap)
{
    if (!err)
        return code;
    char text[sizeof(err->message)]; /* the arguments may point into err->message */
    vsnprintf(text, sizeof(text), fmt, ap);
    disarm(text);
    err->code = code;
    err->kind = kind;
    err->status = 0;
    memcpy(err->message, text, sizeof(text));
    return code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, ERR_OTHER, code, fmt, ap);
    va_end(ap);
    return code;
}

int err_kind(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, kind, code, fmt, ap);
    va_end(ap);
    return code;
}

int err_errno(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, ERR_OTHER, code, fmt, ap);
    va_end(ap);
    if (err) {
        size_t n = strlen(err->message);
        snprintf(err->message + n, sizeof(err->message) - n, ": %s", strerror(-code));
    }
    return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return -EIO;
    char text[2 * sizeof(err->message)];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(err->message), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(err->message))
        snprintf(text + n, sizeof(text) - (size_t)n, ": %s", err->message);
    text[sizeof(err->message) - 1] = 0;
    disarm(text);
    memcpy(err->message, text, sizeof(err->message));
    return err->code;
}

void err_clear(struct err *err)
{
    if (err)
        *err = (struct err){0};
}
