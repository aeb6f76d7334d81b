/* SPDX-License-Identifier: Apache-2.0 */
/* base/parallel.h: each round once, and none after the return. */
#include "base/parallel.h"

#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void count_one(void *arg, size_t i)
{
    ((unsigned *)arg)[i]++;
}

static size_t threads_of_ours(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2; /* "." and ".." */
}

static void test_each_once(void **state)
{
    static const size_t sizes[] = {0, 1, 7, PARALLEL_MIN - 1, PARALLEL_MIN, PARALLEL_MIN + 3, 5000};
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
        unsigned *counts = calloc(sizes[k] + 1, sizeof(*counts));
        parallel_for(sizes[k], count_one, counts);
        for (size_t i = 0; i < sizes[k]; i++)
            assert_int_equal(counts[i], 1);
        assert_int_equal(counts[sizes[k]], 0);
        free(counts);
        while (threads_of_ours() != 1) /* joined ones leave /proc a little later */
            sched_yield();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
