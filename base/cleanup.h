/* SPDX-License-Identifier: Apache-2.0 */
/* Scoped cleanup: a variable that frees what it holds when it leaves its scope.
 *
 * Invariants: an auto_free pointer starts as NULL and an auto_close descriptor as -1; take_ptr()
 * and take_fd() hand the value on and leave the variable empty. errno is preserved. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

static inline void cleanup_fclose(FILE **f)
{
    if (*f)
        fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
    if (*d)
        closedir(*d);
}

#define auto_free     __attribute__((cleanup(cleanup_free)))
#define auto_close    __attribute__((cleanup(cleanup_close)))
#define auto_fclose   __attribute__((cleanup(cleanup_fclose)))
#define auto_closedir __attribute__((cleanup(cleanup_closedir)))

/* Defines auto_<type>: cleanup through `fn(struct type *)` for a value held in place. */
#define DEFINE_AUTO(type, fn)                                                                      \
    static inline void cleanup_##type(struct type *p)                                              \
    {                                                                                              \
        fn(p);                                                                                     \
    }

/* Defines cleanup_<type>_ptr: cleanup through `fn(struct type *)` for a pointer; NULL is skipped.
 */
#define DEFINE_AUTO_PTR(type, fn)                                                                  \
    static inline void cleanup_##type##_ptr(struct type **p)                                       \
    {                                                                                              \
        if (*p)                                                                                    \
            fn(*p);                                                                                \
    }

#define auto_done(type) __attribute__((cleanup(cleanup_##type)))
#define auto_ptr(type)  __attribute__((cleanup(cleanup_##type##_ptr)))

static inline int take_fd(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}

#define take_ptr(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) take_ptr_value_ = (p);                                                       \
        (p) = NULL;                                                                                \
        take_ptr_value_;                                                                           \
    })

/* Closes *fd if it is open and leaves -1. */
static inline void close_fd(int *fd)
{
    cleanup_close(fd);
    *fd = -1;
}
