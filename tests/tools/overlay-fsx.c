/* SPDX-License-Identifier: Apache-2.0 */
/* Random changes of one file, each compared with what memory says the file must be.
 *
 *   overlay-fsx make FILE SIZE                      writes the file that a run begins with
 *   overlay-fsx run FILE SIZE SECONDS|=STEPS SEED   FILE: as made, or missing when SIZE is 0
 *
 * Theory of operation. The model is an array. A step reads or changes a random range by one of the
 * ways there are (calls, mappings, direct I/O, another descriptor, another name) and what is read
 * must be the model's. Where a way does not exist on the file system it is left out for good, and
 * said at the end. On a difference the last steps are printed: with the seed they can be repeated.
 */
#include "base/alloc.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_SIZE  (1 << 20)
#define MAX_RANGE (96 << 10)
#define BLOCK     4096
#define LOG_LINES 64

struct state {
    const char *path;
    int fd, direct; /* direct: -1 where there is no direct I/O */
    uint8_t *model; /* MAX_SIZE bytes; zeros behind the size */
    size_t size;
    uint64_t random, step;
    uint8_t *block; /* aligned room for one range */
    char log[LOG_LINES][96];
    uint32_t left_out; /* a bit for each step that the file system has not */
};

/* xorshift64*: a generator that is the same everywhere. */
static uint64_t next(struct state *s)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return s->random * UINT64_C(2685821657736338717);
}

static size_t below(struct state *s, size_t n)
{
    return n ? (size_t)(next(s) >> 16) % n : 0;
}

static uint8_t made_byte(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

_Noreturn static void fail(struct state *s, const char *what, size_t at)
{
    struct stat st;
    fprintf(stderr, "step %llu: %s at %zu: %s\n", (unsigned long long)s->step, what, at,
            errno ? strerror(errno) : "differs");
    for (uint64_t i = s->step < LOG_LINES ? 0 : s->step - LOG_LINES + 1; i <= s->step; i++)
        fprintf(stderr, "  %llu: %s\n", (unsigned long long)i, s->log[i % LOG_LINES]);
    if (fstat(s->fd, &st) == 0)
        fprintf(stderr, "size %lld, model %zu\n", (long long)st.st_size, s->size);
    exit(1);
}

static void note(struct state *s, const char *what, size_t at, size_t len)
{
    snprintf(s->log[s->step % LOG_LINES], sizeof(s->log[0]), "%s %#zx+%#zx of %#zx", what, at, len,
             s->size);
}

static void compare(struct state *s, const uint8_t *got, size_t at, size_t len)
{
    errno = 0;
    for (size_t i = 0; i < len; i++)
        if (got[i] != s->model[at + i])
            fail(s, "content", at + i);
}

static void check_size(struct state *s)
{
    struct stat st;
    if (fstat(s->fd, &st) < 0)
        fail(s, "fstat", 0);
    errno = 0;
    if ((size_t)st.st_size != s->size)
        fail(s, "size", (size_t)st.st_size);
}

static void fill(struct state *s, size_t at, size_t len)
{
    uint8_t base = (uint8_t)next(s);
    for (size_t i = 0; i < len; i++)
        s->model[at + i] = s->block[i] = (uint8_t)(base + i * 13 + (i >> 8));
    if (at + len > s->size)
        s->size = at + len;
}

/* A range in the file that is not empty, or false. */
static bool inside(struct state *s, size_t *at, size_t *len)
{
    if (!s->size)
        return false;
    *at = below(s, s->size);
    size_t most = s->size - *at < MAX_RANGE ? s->size - *at : MAX_RANGE;
    *len = 1 + below(s, most);
    return true;
}

/* A range that may reach beyond the end, and lies beyond it now and then. */
static void anywhere(struct state *s, size_t *at, size_t *len)
{
    *at = below(s, 16) == 0 ? below(s, MAX_SIZE) : below(s, s->size + 1);
    size_t most = MAX_SIZE - *at < MAX_RANGE ? MAX_SIZE - *at : MAX_RANGE;
    *len = most ? 1 + below(s, most) : 0;
}

static void do_read(struct state *s)
{
    size_t at, len;
    if (!inside(s, &at, &len))
        return;
    note(s, "read", at, len);
    if (pread(s->fd, s->block, len, (off_t)at) != (ssize_t)len)
        fail(s, "read", at);
    compare(s, s->block, at, len);
}

/* By a descriptor and, with luck, a handle of its own. */
static void do_read_again(struct state *s)
{
    size_t at, len;
    if (!inside(s, &at, &len))
        return;
    note(s, "open and read", at, len);
    auto_close int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, s->block, len, (off_t)at) != (ssize_t)len)
        fail(s, "open and read", at);
    compare(s, s->block, at, len);
}

static void do_write(struct state *s)
{
    size_t at, len;
    anywhere(s, &at, &len);
    note(s, "write", at, len);
    fill(s, at, len);
    if (pwrite(s->fd, s->block, len, (off_t)at) != (ssize_t)len)
        fail(s, "write", at);
}

static void do_append(struct state *s)
{
    size_t len = MAX_SIZE - s->size < 5000 ? MAX_SIZE - s->size : 1 + below(s, 5000);
    size_t at = s->size;
    note(s, "append", at, len);
    fill(s, at, len);
    auto_close int fd = open(s->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || write(fd, s->block, len) != (ssize_t)len)
        fail(s, "append", at);
}

/* The pages of a range. */
static uint8_t *map(struct state *s, size_t at, size_t len, int how, size_t *ret_len)
{
    size_t page = at / BLOCK * BLOCK;
    *ret_len = at + len - page;
    uint8_t *p = mmap(NULL, *ret_len, how, MAP_SHARED, s->fd, (off_t)page);
    if (p == MAP_FAILED)
        fail(s, "mmap", at);
    return p;
}

static void do_map_read(struct state *s)
{
    size_t at, len, all;
    if (!inside(s, &at, &len))
        return;
    note(s, "map and read", at, len);
    uint8_t *p = map(s, at, len, PROT_READ, &all);
    compare(s, p + at % BLOCK, at, len);
    munmap(p, all);
}

static void do_map_write(struct state *s)
{
    size_t at, len, all;
    if (!inside(s, &at, &len))
        return;
    note(s, "map and write", at, len);
    uint8_t *p = map(s, at, len, PROT_READ | PROT_WRITE, &all);
    fill(s, at, len);
    memcpy(p + at % BLOCK, s->block, len);
    if (below(s, 4) == 0 && msync(p, all, MS_SYNC) < 0)
        fail(s, "msync", at);
    munmap(p, all);
}

static void do_truncate(struct state *s)
{
    size_t size = below(s, below(s, 4) ? s->size + MAX_RANGE : MAX_SIZE);
    size = size > MAX_SIZE ? MAX_SIZE : size;
    note(s, "truncate", size, 0);
    if (size < s->size)
        memset(s->model + size, 0, s->size - size);
    s->size = size;
    if (below(s, 2) ? ftruncate(s->fd, (off_t)size) : truncate(s->path, (off_t)size))
        fail(s, "truncate", size);
}

static void allocate(struct state *s, const char *name, int mode, unsigned bit)
{
    size_t at, len;
    if (s->left_out & 1u << bit)
        return;
    anywhere(s, &at, &len);
    if (!len)
        return;
    note(s, name, at, len);
    if (fallocate(s->fd, mode, (off_t)at, (off_t)len) < 0) {
        if (errno != EOPNOTSUPP)
            fail(s, name, at);
        s->left_out |= 1u << bit;
        return;
    }
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        memset(s->model + at, 0, len);
    if (!(mode & FALLOC_FL_KEEP_SIZE) && at + len > s->size)
        s->size = at + len;
}

static void do_allocate(struct state *s)
{
    allocate(s, "allocate", below(s, 2) ? FALLOC_FL_KEEP_SIZE : 0, 0);
}

static void do_punch(struct state *s)
{
    allocate(s, "punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1);
}

static void do_zero(struct state *s)
{
    allocate(s, "zero", FALLOC_FL_ZERO_RANGE | (below(s, 2) ? FALLOC_FL_KEEP_SIZE : 0), 2);
}

static void do_copy(struct state *s)
{
    size_t at, len;
    if (!inside(s, &at, &len))
        return;
    size_t to = below(s, MAX_SIZE - len + 1);
    if (to < at + len && at < to + len) /* one file: what overlaps is refused */
        return;
    note(s, "copy", at, len);
    for (size_t done = 0; done < len;) {
        off_t i = (off_t)(at + done), o = (off_t)(to + done);
        ssize_t n = copy_file_range(s->fd, &i, s->fd, &o, len - done, 0);
        if (n <= 0)
            fail(s, "copy", at);
        done += (size_t)n;
    }
    memcpy(s->model + to, s->model + at, len);
    if (to + len > s->size)
        s->size = to + len;
}

/* Direct I/O is of whole blocks. */
static bool blocks(struct state *s, size_t *at, size_t *len)
{
    if (s->direct < 0 || s->size < BLOCK)
        return false;
    *at = below(s, s->size / BLOCK) * BLOCK;
    size_t most = (s->size - *at) / BLOCK;
    *len = (1 + below(s, most < 16 ? most : 16)) * BLOCK;
    return true;
}

static void do_direct_read(struct state *s)
{
    size_t at, len;
    if (!blocks(s, &at, &len))
        return;
    note(s, "direct read", at, len);
    if (pread(s->direct, s->block, len, (off_t)at) != (ssize_t)len)
        fail(s, "direct read", at);
    compare(s, s->block, at, len);
}

static void do_direct_write(struct state *s)
{
    size_t at, len;
    if (!blocks(s, &at, &len))
        return;
    note(s, "direct write", at, len);
    fill(s, at, len);
    if (pwrite(s->direct, s->block, len, (off_t)at) != (ssize_t)len)
        fail(s, "direct write", at);
}

static void do_sync(struct state *s)
{
    note(s, "sync", 0, 0);
    if (below(s, 2) ? fsync(s->fd) : fdatasync(s->fd))
        fail(s, "sync", 0);
}

/* What is clean leaves the cache and has to be read again. */
static void do_drop(struct state *s)
{
    note(s, "drop", 0, 0);
    if (fdatasync(s->fd) < 0 || posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED))
        fail(s, "drop", 0);
}

static void reopen(struct state *s)
{
    close_fd(&s->fd);
    close_fd(&s->direct);
    s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->fd < 0)
        fail(s, "open", 0);
    s->direct = open(s->path, O_RDWR | O_DIRECT | O_CLOEXEC);
}

static void do_reopen(struct state *s)
{
    note(s, "reopen", 0, 0);
    reopen(s);
}

/* Attributes, which may copy the file up without its data, and another name. */
static void do_attributes(struct state *s)
{
    auto_free char *other = xasprintf("%s.other", s->path);
    struct timespec t[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    note(s, "attributes", 0, 0);
    if (chmod(s->path, below(s, 2) ? 0644 : 0600) < 0 || utimensat(AT_FDCWD, s->path, t, 0) < 0)
        fail(s, "attributes", 0);
    if (below(s, 4))
        return;
    /* Renaming one name of a file to another does nothing. */
    if (link(s->path, other) < 0 || rename(other, s->path) < 0 || unlink(other) < 0)
        fail(s, "another name", 0);
}

static void do_rename(struct state *s)
{
    auto_free char *other = xasprintf("%s.moved", s->path);
    note(s, "rename", 0, 0);
    if (rename(s->path, other) < 0 || rename(other, s->path) < 0)
        fail(s, "rename", 0);
}

static void (*const steps[])(struct state *s) = {
    do_attributes, do_read,     do_read,     do_read_again, do_write,       do_write,
    do_append,     do_map_read, do_map_read, do_map_write,  do_map_write,   do_truncate,
    do_allocate,   do_punch,    do_zero,     do_copy,       do_direct_read, do_direct_write,
    do_sync,       do_drop,     do_reopen,   do_rename};

/* All of the file, as a new reader finds it. */
static void check_all(struct state *s)
{
    note(s, "everything", 0, s->size);
    for (size_t at = 0; at < s->size; at += MAX_RANGE) {
        size_t len = s->size - at < MAX_RANGE ? s->size - at : MAX_RANGE;
        if (pread(s->fd, s->block, len, (off_t)at) != (ssize_t)len)
            fail(s, "read", at);
        compare(s, s->block, at, len);
    }
    check_size(s);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(const char *path, size_t size, const char *how_long, uint64_t seed)
{
    struct state s = {.path = path, .fd = -1, .direct = -1, .random = seed * 2 + 1};
    uint64_t most = *how_long == '=' ? strtoull(how_long + 1, NULL, 10) : UINT64_MAX;
    double end = *how_long == '=' ? 1e18 : now() + strtod(how_long, NULL);
    s.model = xcalloc(MAX_SIZE, 1);
    s.block = aligned_alloc(BLOCK, MAX_RANGE);
    s.size = size;
    for (size_t i = 0; i < size; i++)
        s.model[i] = made_byte(i);
    for (; s.step < most && now() < end; s.step++) {
        if (s.fd < 0)
            reopen(&s);
        steps[below(&s, sizeof(steps) / sizeof(*steps))](&s);
        check_size(&s);
        if (s.step % 1000 == 999)
            check_all(&s);
    }
    reopen(&s);
    check_all(&s);
    printf("%llu steps%s%s%s%s\n", (unsigned long long)s.step,
           s.direct < 0 ? ", no direct I/O" : "", s.left_out & 1 ? ", no allocate" : "",
           s.left_out & 2 ? ", no punch" : "", s.left_out & 4 ? ", no zero" : "");
    close_fd(&s.fd);
    close_fd(&s.direct);
    free(s.model);
    free(s.block);
    return 0;
}

static int make(const char *path, size_t size)
{
    auto_fclose FILE *f = fopen(path, "we");
    for (size_t i = 0; f && i < size; i++)
        fputc(made_byte(i), f);
    if (f && fflush(f) == 0)
        return 0;
    perror(path);
    return 1;
}

int main(int argc, char **argv)
{
    size_t size = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (argc == 4 && strcmp(argv[1], "make") == 0 && size <= MAX_SIZE)
        return make(argv[2], size);
    if (argc == 6 && strcmp(argv[1], "run") == 0 && size <= MAX_SIZE)
        return run(argv[2], size, argv[4], strtoull(argv[5], NULL, 10));
    fputs("usage: overlay-fsx make FILE SIZE\n"
          "       overlay-fsx run FILE SIZE SECONDS|=STEPS SEED\n",
          stderr);
    return 2;
}
