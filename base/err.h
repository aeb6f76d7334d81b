/* SPDX-License-Identifier: Apache-2.0 */
/* The one error type: what went wrong, as plain data.
 *
 * A function that can fail returns 0 or a negative errno and fills the struct err it was given.
 * The value holds no pointer, so it survives a fork and crosses a pipe in one write. A NULL err is
 * allowed everywhere and means "only the number interests me". Nothing here prints: turning an
 * error into text on a terminal and an exit status is the business of cmd/ alone. */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

/* What kind of failure it is, where a command's exit status or a caller's choice depends on it. */
enum err_kind {
    ERR_OTHER,      /* an ordinary failure: exit 125 */
    ERR_USAGE,      /* wrong command line: exit 125, and where to find help */
    ERR_NOT_FOUND,  /* no such image, container, volume... */
    ERR_IN_USE,     /* refused because something else uses it or it runs */
    ERR_EXISTS,     /* the name is taken */
    ERR_NOT_EXEC,   /* the container's command exists and cannot be executed: exit 126 */
    ERR_NO_COMMAND, /* the container's command does not exist: exit 127 */
    ERR_EXIT,       /* a child ended with the status in `status`; the message may be empty */
};

struct err {
    int code; /* negative errno, 0 when nothing is set */
    enum err_kind kind;
    int status; /* ERR_EXIT: the exit status to pass on */
    char message[1000];
};

/* Sets *err (unless NULL) to a message built as printf does, and returns `code`, a negative errno.
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": strerror" behind the message. */
int err_errno(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set(), with a kind. */
int err_kind(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "context: " in front of the message that is there. Returns err's code, so that it can end a
 * function: `return err_wrap(err, "pull %s", ref)`. With a NULL err it returns -EIO. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes *err say nothing. */
void err_clear(struct err *err);
