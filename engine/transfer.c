/* SPDX-License-Identifier: Apache-2.0 */
/* Several layers on their way at once. */
#include "engine/transfer.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

struct crew {
    struct transfers *t;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next, working;
    int result; /* the first error */
    struct err err;
};

static void *work(void *arg)
{
    struct crew *c = arg;
    pthread_mutex_lock(&c->lock);
    while (c->result == 0 && c->next < c->t->n) {
        size_t i = c->next++;
        pthread_mutex_unlock(&c->lock);
        struct err err = {0};
        int r = c->t->job(c->t->job_arg, i, &err);
        pthread_mutex_lock(&c->lock);
        if (r < 0 && c->result == 0) {
            c->result = r;
            c->err = err;
            atomic_store(c->t->cancel, true);
        }
    }
    c->working--;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Until all threads are through. */
static void wait_for_all(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->working) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&c->changed, &c->lock, &until);
        pthread_mutex_unlock(&c->lock);
        if (c->t->watch)
            c->t->watch(c->t->watch_arg, c->t->v, c->t->n);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
}

void transfers_list(struct transfers *t, const struct strv *layers, size_t **ret_layers)
{
    t->v = xcalloc(layers->len, sizeof(*t->v));
    *ret_layers = xcalloc(layers->len, sizeof(**ret_layers));
    for (size_t i = 0; i < layers->len; i++) {
        size_t j = 0;
        while (j < i && strcmp(layers->v[j], layers->v[i]) != 0)
            j++;
        if (j < i)
            continue;
        t->v[t->n].digest = layers->v[i];
        atomic_init(&t->v[t->n].total, -1);
        (*ret_layers)[t->n++] = i;
    }
}

int transfers_run(struct transfers *t, struct err *err)
{
    struct crew c = {
        .t = t, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t threads[TRANSFER_THREADS];
    size_t n = 0, wanted = t->n < TRANSFER_THREADS ? t->n : TRANSFER_THREADS;
    pthread_mutex_lock(&c.lock);
    while (n < wanted && pthread_create(&threads[n], NULL, work, &c) == 0)
        n++;
    c.working = n;
    if (n == 0 && wanted)
        c.result = err_set(&c.err, -EAGAIN, "no thread can be started");
    pthread_mutex_unlock(&c.lock);
    wait_for_all(&c);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    if (t->watch)
        t->watch(t->watch_arg, NULL, 0);
    if (c.result < 0 && err)
        *err = c.err;
    return c.result;
}
