/* SPDX-License-Identifier: Apache-2.0 */
/* overlay-twin [--ops N] [--seed S] [-v] [--check FROM] DIR [OTHER]
 *
 * The same random system calls on a directory of an overlay and on a plain one that holds the same
 * (twin.h). With one directory it only fills that. -v prints every operation, --check
 * compares after each, from that one on. */
#include "tests/tools/twin.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Noreturn void twin_fail(const struct twin *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fflush(stdout);
    fprintf(stderr, "not ok: --seed %llu, operation %llu: %s\n  ", (unsigned long long)t->seed,
            (unsigned long long)t->n_ops, t->op);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(1);
}

uint32_t twin_below(struct twin *t, uint32_t n)
{
    uint64_t z = t->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return n ? (uint32_t)((z >> 32) * n >> 32) : 0;
}

static int open_root(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "overlay-twin: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    return fd;
}

static int usage(void)
{
    fputs("usage: overlay-twin [--ops N] [--seed S] [-v] [--check FROM] DIR [OTHER]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct twin t = {.seed = (uint64_t)time(NULL), .root = {-1, -1}};
    uint64_t ops = 20000;
    uint64_t check = UINT64_MAX;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-v") == 0)
            t.verbose = true;
        else if (i + 1 < argc && strcmp(argv[i], "--check") == 0)
            check = strtoull(argv[++i], NULL, 0);
        else if (i + 1 < argc && strcmp(argv[i], "--ops") == 0)
            ops = strtoull(argv[++i], NULL, 0);
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            t.seed = strtoull(argv[++i], NULL, 0);
        else
            return usage();
    }
    if (argc - i != 1 && argc - i != 2)
        return usage();
    for (int side = 0; side < argc - i; side++)
        t.root[side] = open_root(argv[i + side]);
    for (int slot = 0; slot < TWIN_OPEN; slot++)
        t.open[0][slot] = t.open[1][slot] = -1;
    t.random = t.seed;
    setgroups(0, NULL); /* in a namespace of one id it is not allowed, and there are none */
    printf("overlay-twin: --seed %llu\n", (unsigned long long)t.seed);
    fflush(stdout);
    bool two = t.root[1] >= 0;
    if (two)
        twin_compare(&t);
    for (t.n_ops = 1; t.n_ops <= ops; t.n_ops++) {
        twin_step(&t);
        bool now = twin_below(&t, 400) == 0; /* drawn each time: the sequence stays */
        if (two && (now || t.n_ops >= check || t.n_ops == ops))
            twin_compare(&t);
    }
    printf("ok: %llu operations\n", (unsigned long long)ops);
    return 0;
}
