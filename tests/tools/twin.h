/* SPDX-License-Identifier: Apache-2.0 */
/* The same random system calls on two directories, which must stay alike.
 *
 * Theory of operation. One operation is drawn at random with all that belongs to it, and done on
 * both sides; the results must be the same number or the same errno. Now and then the two trees are
 * compared. Paths are drawn from few names, so operations meet; they are relative to a descriptor
 * of the side's root, and the targets of links never lead out of it. Some files stay open for a
 * while, beyond their unlinking. Some operations are done as another user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TWIN_PATH = 2048, TWIN_OPEN = 8, TWIN_DATA = 200000 };

struct twin {
    uint64_t seed, random, n_ops;
    int root[2];
    int open[2][TWIN_OPEN]; /* -1: none */
    bool verbose;
    char op[3 * TWIN_PATH]; /* what is being done */
};

_Noreturn void twin_fail(const struct twin *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
uint32_t twin_below(struct twin *t, uint32_t n);
static inline bool twin_chance(struct twin *t, uint32_t percent)
{
    return twin_below(t, 100) < percent;
}

/* twin_ops.c: one random operation on both sides, or on the first when the second is -1. */
void twin_step(struct twin *t);
/* twin_compare.c */
void twin_compare(struct twin *t);
