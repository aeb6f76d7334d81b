/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer that is always NUL-terminated.
 *
 * Invariants: `data` is never NULL after the first append and data[len] == 0 always; a zeroed
 * struct is an empty buffer. The buffer owns `data` until buf_take(). */
#pragma once

#include "base/cleanup.h"

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_done(struct buf *b);
/* Makes room for `extra` more bytes and the NUL. */
void buf_reserve(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
/* Text that others have written, for a terminal: control characters become blanks. */
void buf_add_shown(struct buf *b, const char *text, size_t len);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);
/* Cuts the buffer to `len` bytes, which must not be more than it has. */
void buf_truncate(struct buf *b, size_t len);
/* Removes `n` bytes from the front. */
void buf_consume(struct buf *b, size_t n);
/* The string, never NULL; belongs to the buffer. */
const char *buf_str(const struct buf *b);
/* Hands the string to the caller (free()) and leaves the buffer empty. */
char *buf_take(struct buf *b);

DEFINE_AUTO(buf, buf_done)
#define auto_buf auto_done(buf) struct buf
