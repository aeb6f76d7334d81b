/* SPDX-License-Identifier: Apache-2.0 */
/* One loop on all processors.
 *
 * Theory of operation. Each thread takes the next few rounds that nobody has taken, until there are
 * none. Threads live for one loop: a program that forks never does so beside them. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS_MAX 7 /* beside the caller's: more would wait for the kernel's locks */
#define AT_ONCE     8 /* rounds taken together, so that threads write to different cache lines */

struct loop {
    size_t n;
    void (*one)(void *arg, size_t i);
    void *arg;
    atomic_size_t next;
};

static void *work(void *arg)
{
    struct loop *l = arg;
    size_t first;
    while ((first = atomic_fetch_add(&l->next, AT_ONCE)) < l->n)
        for (size_t i = first; i < l->n && i < first + AT_ONCE; i++)
            l->one(l->arg, i);
    return NULL;
}

static size_t helpers_for(size_t n)
{
    cpu_set_t cpus;
    if (n < PARALLEL_MIN || sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
        return 0;
    size_t others = (size_t)CPU_COUNT(&cpus) - 1;
    return others < THREADS_MAX ? others : THREADS_MAX;
}

void parallel_for(size_t n, void (*one)(void *arg, size_t i), void *arg)
{
    struct loop l = {.n = n, .one = one, .arg = arg};
    pthread_t threads[THREADS_MAX];
    size_t wanted = helpers_for(n), started = 0;
    while (started < wanted && pthread_create(&threads[started], NULL, work, &l) == 0)
        started++;
    work(&l);
    while (started > 0)
        pthread_join(threads[--started], NULL);
}
