/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from one thread to another. */
#include "store/ring.h"

#include "base/alloc.h"

void ring_init(struct ring *r)
{
    *r = (struct ring){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    for (size_t i = 0; i < RING_CHUNKS; i++)
        r->chunks[i] = xcalloc(1, RING_CHUNK);
}

void ring_done(struct ring *r)
{
    for (size_t i = 0; i < RING_CHUNKS; i++)
        free(take_ptr(r->chunks[i]));
}

size_t ring_room(struct ring *r, void **ret)
{
    pthread_mutex_lock(&r->lock);
    while (r->filled - r->emptied == RING_CHUNKS && !r->broken)
        pthread_cond_wait(&r->changed, &r->lock);
    bool broken = r->broken;
    pthread_mutex_unlock(&r->lock);
    *ret = r->chunks[r->filled % RING_CHUNKS] + r->at;
    return broken ? 0 : RING_CHUNK - r->at;
}

static void hand_over(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->len[r->filled % RING_CHUNKS] = r->at;
    r->filled++;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    r->at = 0;
}

void ring_put(struct ring *r, size_t len)
{
    r->at += len;
    if (r->at == RING_CHUNK)
        hand_over(r);
}

void ring_end(struct ring *r)
{
    if (r->at)
        hand_over(r);
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

ssize_t ring_next(struct ring *r, const void **ret)
{
    pthread_mutex_lock(&r->lock);
    if (r->taken) {
        r->emptied++;
        r->taken = false;
        pthread_cond_signal(&r->changed);
    }
    while (r->filled == r->emptied && !r->ended && !r->broken)
        pthread_cond_wait(&r->changed, &r->lock);
    ssize_t n = 0;
    if (r->broken) {
        n = -ECANCELED;
    } else if (r->filled != r->emptied) {
        n = (ssize_t)r->len[r->emptied % RING_CHUNKS];
        *ret = r->chunks[r->emptied % RING_CHUNKS];
        r->taken = true;
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

void ring_break(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->broken = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}
