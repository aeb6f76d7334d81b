/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on open files and their bytes. */
#include "posix.h"

#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

int open_flags(const char *words)
{
    static const struct {
        const char *name;
        int flag;
    } all[] = {{"rdonly", O_RDONLY},   {"wronly", O_WRONLY},     {"rdwr", O_RDWR},
               {"creat", O_CREAT},     {"excl", O_EXCL},         {"trunc", O_TRUNC},
               {"append", O_APPEND},   {"nofollow", O_NOFOLLOW}, {"directory", O_DIRECTORY},
               {"tmpfile", O_TMPFILE}, {"nonblock", O_NONBLOCK}, {"path", O_PATH},
               {"direct", O_DIRECT},   {"sync", O_SYNC}};
    int flags = O_CLOEXEC;
    auto_strv sv = {0};
    strv_split(&sv, words, ',');
    strv_foreach (&sv, word) {
        size_t i = 0;
        while (i < sizeof(all) / sizeof(*all) && strcmp(word, all[i].name) != 0)
            i++;
        if (i == sizeof(all) / sizeof(*all))
            bad_argument("unknown flag", word);
        flags |= all[i].flag;
    }
    return flags;
}

static mode_t mode_of(char **arg, int n, int at)
{
    return n > at ? (mode_t)strtoul(arg[at], NULL, 8) : 0;
}

/* open PATH FLAGS [MODE]: and closes again. */
static int do_open(struct run *r, char **arg, int n, struct buf *ret)
{
    auto_close int fd = open(arg[0], open_flags(arg[1]), mode_of(arg, n, 2));
    return result(fd);
}

/* fopen SLOT PATH FLAGS [MODE] */
static int do_fopen(struct run *r, char **arg, int n, struct buf *ret)
{
    int *slot = &r->fds[number(arg[0]) % MAX_SLOTS];
    close_fd(slot);
    *slot = open(arg[1], open_flags(arg[2]), mode_of(arg, n, 3));
    return result(*slot);
}

static int do_close(struct run *r, char **arg, int n, struct buf *ret)
{
    int *slot = &r->fds[number(arg[0]) % MAX_SLOTS];
    int e = result(close(*slot));
    *slot = -1;
    return e;
}

/* write SLOT TEXT, pwrite SLOT OFFSET TEXT */
static int do_write(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(write(slot_fd(r, arg[0]), arg[1], strlen(arg[1])));
}

static int do_pwrite(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(pwrite(slot_fd(r, arg[0]), arg[2], strlen(arg[2]), number(arg[1])));
}

/* NUL shows as a dot. */
static int bytes(ssize_t len, const char *data, struct buf *ret)
{
    if (len < 0)
        return -errno;
    for (ssize_t i = 0; i < len; i++)
        buf_add_char(ret, data[i] ? data[i] : '.');
    if (!len)
        buf_add_str(ret, "nothing");
    return 0;
}

/* pread SLOT OFFSET COUNT, read SLOT COUNT */
static int do_pread(struct run *r, char **arg, int n, struct buf *ret)
{
    char data[4096];
    return bytes(pread(slot_fd(r, arg[0]), data, (size_t)number(arg[2]), number(arg[1])), data,
                 ret);
}

static int do_read(struct run *r, char **arg, int n, struct buf *ret)
{
    char data[4096];
    return bytes(read(slot_fd(r, arg[0]), data, (size_t)number(arg[1])), data, ret);
}

/* content PATH */
static int do_content(struct run *r, char **arg, int n, struct buf *ret)
{
    char data[4096];
    auto_close int fd = open(arg[0], O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : bytes(read_full(fd, data, sizeof(data)), data, ret);
}

/* lseek SLOT OFFSET set|cur|end|data|hole */
static int do_lseek(struct run *r, char **arg, int n, struct buf *ret)
{
    static const char *const whence[] = {[SEEK_SET] = "set",
                                         [SEEK_CUR] = "cur",
                                         [SEEK_END] = "end",
                                         [SEEK_DATA] = "data",
                                         [SEEK_HOLE] = "hole"};
    int w = 0;
    while (w < 4 && strcmp(arg[2], whence[w]) != 0)
        w++;
    off_t at = lseek(slot_fd(r, arg[0]), number(arg[1]), w);
    if (at >= 0)
        buf_printf(ret, "%lld", (long long)at);
    return result(at);
}

static int do_fsync(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(fsync(slot_fd(r, arg[0])));
}

static int do_fdatasync(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(fdatasync(slot_fd(r, arg[0])));
}

static int do_syncfs(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(syncfs(slot_fd(r, arg[0])));
}

/* fallocate SLOT plain|keep|punch|zero|collapse|insert OFFSET COUNT */
static int do_fallocate(struct run *r, char **arg, int n, struct buf *ret)
{
    static const struct {
        const char *name;
        int mode;
    } modes[] = {{"plain", 0},
                 {"keep", FALLOC_FL_KEEP_SIZE},
                 {"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
                 {"zero", FALLOC_FL_ZERO_RANGE},
                 {"collapse", FALLOC_FL_COLLAPSE_RANGE},
                 {"insert", FALLOC_FL_INSERT_RANGE}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
        if (strcmp(arg[1], modes[i].name) == 0)
            return result(
                fallocate(slot_fd(r, arg[0]), modes[i].mode, number(arg[2]), number(arg[3])));
    bad_argument("unknown mode", arg[1]);
}

static int do_posix_fallocate(struct run *r, char **arg, int n, struct buf *ret)
{
    return -posix_fallocate(slot_fd(r, arg[0]), number(arg[1]), number(arg[2]));
}

/* copy FROM-SLOT OFFSET TO-SLOT OFFSET COUNT: copy_file_range() until nothing comes. */
static int do_copy(struct run *r, char **arg, int n, struct buf *ret)
{
    off_t from = number(arg[1]), to = number(arg[3]);
    long long left = number(arg[4]), done = 0;
    while (left > 0) {
        ssize_t c =
            copy_file_range(slot_fd(r, arg[0]), &from, slot_fd(r, arg[2]), &to, (size_t)left, 0);
        if (c < 0)
            return -errno;
        if (c == 0)
            break;
        left -= c;
        done += c;
    }
    buf_printf(ret, "%lld", done);
    return 0;
}

/* mmap SLOT shared|private|read COUNT */
static int do_mmap(struct run *r, char **arg, int n, struct buf *ret)
{
    if (r->map)
        munmap(r->map, r->map_len);
    r->map_len = (size_t)number(arg[2]);
    void *p = mmap(NULL, r->map_len, *arg[1] == 'r' ? PROT_READ : PROT_READ | PROT_WRITE,
                   *arg[1] == 'p' ? MAP_PRIVATE : MAP_SHARED, slot_fd(r, arg[0]), 0);
    r->map = p == MAP_FAILED ? NULL : p;
    return r->map ? 0 : -errno;
}

/* peek OFFSET COUNT, poke OFFSET TEXT: in the mapping. */
static int do_peek(struct run *r, char **arg, int n, struct buf *ret)
{
    size_t at = (size_t)number(arg[0]), len = (size_t)number(arg[1]);
    if (!r->map || at + len > r->map_len)
        bad_argument("not mapped", arg[0]);
    return bytes((ssize_t)len, r->map + at, ret);
}

static int do_poke(struct run *r, char **arg, int n, struct buf *ret)
{
    size_t at = (size_t)number(arg[0]), len = strlen(arg[1]);
    if (!r->map || at + len > r->map_len)
        bad_argument("not mapped", arg[0]);
    memcpy(r->map + at, arg[1], len);
    return 0;
}

static int do_msync(struct run *r, char **arg, int n, struct buf *ret)
{
    return result(msync(r->map, r->map_len, MS_SYNC));
}

static int do_munmap(struct run *r, char **arg, int n, struct buf *ret)
{
    int e = result(munmap(r->map, r->map_len));
    r->map = NULL;
    return e;
}

/* flock SLOT shared|exclusive|none */
static int do_flock(struct run *r, char **arg, int n, struct buf *ret)
{
    int how = *arg[1] == 's' ? LOCK_SH : *arg[1] == 'e' ? LOCK_EX : LOCK_UN;
    return result(flock(slot_fd(r, arg[0]), how | LOCK_NB));
}

/* lock SLOT read|write|none OFFSET COUNT: a lock of the open file description. */
static int do_lock(struct run *r, char **arg, int n, struct buf *ret)
{
    struct flock l = {.l_type = *arg[1] == 'r'   ? F_RDLCK
                                : *arg[1] == 'w' ? F_WRLCK
                                                 : F_UNLCK,
                      .l_start = number(arg[2]),
                      .l_len = number(arg[3])};
    return result(fcntl(slot_fd(r, arg[0]), F_OFD_SETLK, &l));
}

/* limit BYTES: of files that we write (RLIMIT_FSIZE). */
static int do_limit(struct run *r, char **arg, int n, struct buf *ret)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_FSIZE, &l) < 0)
        return -errno;
    l.rlim_cur = number(arg[0]) < 0 ? l.rlim_max : (rlim_t)number(arg[0]);
    return result(setrlimit(RLIMIT_FSIZE, &l));
}

const struct call calls_data[] = {
    {"open", 2, 3, do_open},           {"fopen", 3, 4, do_fopen},
    {"close", 1, 1, do_close},         {"write", 2, 2, do_write},
    {"pwrite", 3, 3, do_pwrite},       {"read", 2, 2, do_read},
    {"pread", 3, 3, do_pread},         {"content", 1, 1, do_content},
    {"lseek", 3, 3, do_lseek},         {"fsync", 1, 1, do_fsync},
    {"fdatasync", 1, 1, do_fdatasync}, {"syncfs", 1, 1, do_syncfs},
    {"fallocate", 4, 4, do_fallocate}, {"posix_fallocate", 3, 3, do_posix_fallocate},
    {"copy", 5, 5, do_copy},           {"mmap", 3, 3, do_mmap},
    {"peek", 2, 2, do_peek},           {"poke", 2, 2, do_poke},
    {"msync", 0, 0, do_msync},         {"munmap", 0, 0, do_munmap},
    {"flock", 2, 2, do_flock},         {"lock", 4, 4, do_lock},
    {"limit", 1, 1, do_limit},         {NULL, 0, 0, NULL}};
