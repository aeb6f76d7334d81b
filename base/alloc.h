/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation. It aborts when memory is out, as nothing useful can follow: a size that comes from
 * input is bounded by who reads it. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Zeroed memory for `count` objects of `size`; aborts on overflow or when memory is out. */
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull, nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull, nonnull));
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((malloc, returns_nonnull));

/* xstrdup that passes NULL through. */
char *strdup_or_null(const char *s);

#define new0(type) ((type *)xcalloc(1, sizeof(type)))

/* Grows the array `p` of `cap` elements so that index `n` fits; doubles, so appending is linear. */
#define grow_array(p, n, cap)                                                                      \
    do {                                                                                           \
        if ((n) >= (cap)) {                                                                        \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (p) = xrealloc((p), (cap), sizeof(*(p)));                                              \
        }                                                                                          \
    } while (0)
