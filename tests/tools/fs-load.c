/* SPDX-License-Identifier: Apache-2.0 */
/* Small file system loads for scripts/bench overlay, where a shell would measure itself.
 *
 *   fs-load read PASSES < LIST      opens, reads up to 4 KiB of and closes every file in the list
 *   fs-load create DIR COUNT SIZE   COUNT files of SIZE bytes, 1,000 in a directory
 *   fs-load random-write FILE MIB   every 4 KiB of a new file once in random order, then fsync;
 *                                   MIB is a power of two
 */
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK = 4096, FILES_A_DIRECTORY = 1000 };

static char block[BLOCK];

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "fs-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_file(const char *path)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, block, BLOCK) < 0)
        fail(path);
}

static void load_read(int passes)
{
    char **paths = NULL, *line = NULL;
    size_t n = 0, room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, stdin)) > 0) {
        line[len - 1] = '\0';
        paths = realloc(paths, (n + 1) * sizeof(*paths));
        if (!paths)
            fail("memory");
        paths[n++] = line;
        line = NULL;
    }
    free(line);
    for (int pass = 0; pass < passes; pass++)
        for (size_t i = 0; i < n; i++)
            read_file(paths[i]);
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}

static void load_create(const char *dir, int count, size_t size)
{
    char path[4096];
    for (int i = 0; i < count; i++) {
        if (i % FILES_A_DIRECTORY == 0) {
            snprintf(path, sizeof(path), "%s/%03d", dir, i / FILES_A_DIRECTORY);
            if (mkdir(path, 0755) < 0)
                fail(path);
        }
        snprintf(path, sizeof(path), "%s/%03d/file-%05d", dir, i / FILES_A_DIRECTORY, i);
        auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, block, size) != (ssize_t)size)
            fail(path);
    }
}

/* The step goes through all blocks once since their number is a power of two. */
static void load_random_write(const char *path, uint64_t mib)
{
    uint64_t n = mib * ((1 << 20) / BLOCK), at = 0;
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        fail(path);
    for (uint64_t i = 0; i < n; i++) {
        at = (at * 1664525 + 1013904223) % n;
        if (pwrite(fd, block, BLOCK, (off_t)(at * BLOCK)) != BLOCK)
            fail(path);
    }
    if (fsync(fd) < 0)
        fail(path);
}

int main(int argc, char **argv)
{
    memset(block, 'x', sizeof(block));
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        load_read(atoi(argv[2]));
    else if (argc == 5 && strcmp(argv[1], "create") == 0)
        load_create(argv[2], atoi(argv[3]), strtoul(argv[4], NULL, 10));
    else if (argc == 4 && strcmp(argv[1], "random-write") == 0)
        load_random_write(argv[2], strtoul(argv[3], NULL, 10));
    else
        return 2;
    return 0;
}
