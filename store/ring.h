/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from one thread to another, through a few buffers that go round.
 *
 * Theory of operation. One thread fills, one empties. Each buffer but the last is handed over full,
 * so whoever empties sees blocks of RING_CHUNK bytes, which fit the second-level cache. Whoever is
 * too fast waits for the other; whoever gives up breaks the ring, and the other hears of it at its
 * next call. */
#pragma once

#include "base/cleanup.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RING_CHUNK  (256 * 1024)
#define RING_CHUNKS 8

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *chunks[RING_CHUNKS];
    size_t len[RING_CHUNKS];
    unsigned filled, emptied; /* counts: filled - emptied buffers are on their way */
    size_t at;                /* bytes in the buffer that is being filled */
    bool taken;               /* the oldest is with whoever empties */
    bool ended, broken;
};

void ring_init(struct ring *r);
void ring_done(struct ring *r);

/* Where the next bytes go, and how many fit; 0: the ring is broken. */
size_t ring_room(struct ring *r, void **ret);
/* `len` bytes of the room were filled. */
void ring_put(struct ring *r, size_t len);
/* No more bytes come. */
void ring_end(struct ring *r);

/* The next bytes, valid until the next call: the count, 0 at the end, -ECANCELED when broken. */
ssize_t ring_next(struct ring *r, const void **ret);

void ring_break(struct ring *r);
