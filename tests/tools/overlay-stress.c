/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes change one tree at random; then it must make sense.
 *
 *   overlay-stress make DIR SEED                        a tree to begin with
 *   overlay-stress run DIR PROCESSES SECONDS|=STEPS SEED
 *   overlay-stress check DIR                            checks, and prints what is there
 *
 * Theory of operation. All processes use the same few names, so they meet. A call may fail only as
 * a race can make it fail: anything else (EIO, ESTALE, EINVAL...) ends the run. Every file is
 * filled with one byte that its maker chose, so bytes that got into a wrong file show. Afterwards
 * `check` walks the tree: listings and attributes agree, link counts are those of the names, files
 * are of one byte. Its output is the same after a new mount. */
#include "base/alloc.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define NAMES 6
#define DEPTH 4

struct worker {
    uint64_t random;
    int held[4];     /* files that are open, with names or not */
    uint8_t byte[4]; /* what is in them */
    uint64_t done, failed;
};

static uint64_t next(struct worker *w)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (w->random * UINT64_C(2685821657736338717)) >> 16;
}

static size_t below(struct worker *w, size_t n)
{
    return (size_t)next(w) % n;
}

static void choose(struct worker *w, char path[static 64])
{
    size_t depth = 1 + below(w, DEPTH), at = 0;
    for (size_t i = 0; i < depth; i++)
        at += (size_t)snprintf(path + at, 64 - at, "%sn%zu", i ? "/" : "", below(w, NAMES));
}

/* What may go wrong when others work on the same names. */
static bool is_race(int e)
{
    static const int fine[] = {ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, ENXIO, EMLINK};
    for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
        if (e == fine[i])
            return true;
    return false;
}

/* `also`: another errno that this call may give, or 0. */
static bool check(struct worker *w, long long r, const char *what, const char *path, int also)
{
    w->done++;
    if (r >= 0)
        return true;
    w->failed++;
    if (is_race(errno) || (also && errno == also))
        return false;
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static uint8_t first_byte(int fd)
{
    uint8_t b = 0;
    return pread(fd, &b, 1, 0) == 1 ? b : 0;
}

static void do_create(struct worker *w, const char *path)
{
    char data[5000];
    uint8_t byte = (uint8_t)('A' + below(w, 26));
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (!check(w, fd, "create", path, 0))
        return;
    memset(data, byte, sizeof(data));
    check(w, write(fd, data, below(w, sizeof(data))), "write", path, 0);
    size_t i = below(w, 4);
    close_fd(&w->held[i]);
    w->held[i] = fd;
    w->byte[i] = byte;
}

/* Takes an existing file into hand. Its first byte may still be on its way. */
static void do_open(struct worker *w, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (!check(w, fd, "open", path, 0))
        return;
    uint8_t byte = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? first_byte(fd) : 0;
    if (!byte) {
        close(fd);
        return;
    }
    size_t i = below(w, 4);
    close_fd(&w->held[i]);
    w->held[i] = fd;
    w->byte[i] = byte;
}

static void do_write(struct worker *w, const char *path)
{
    char data[20000];
    size_t i = below(w, 4);
    if (w->held[i] < 0)
        return;
    memset(data, w->byte[i], sizeof(data));
    check(w, pwrite(w->held[i], data, 1 + below(w, sizeof(data) - 1), 0), "write", path, 0);
    if (below(w, 8) == 0)
        check(w, fsync(w->held[i]), "fsync", path, 0);
}

/* What is read is of one byte; a hole that another's truncation left is none. */
static void do_read(struct worker *w, const char *path)
{
    char data[20000];
    size_t i = below(w, 4);
    if (w->held[i] < 0)
        return;
    ssize_t n = pread(w->held[i], data, sizeof(data), 0);
    check(w, n, "read", path, 0);
    for (ssize_t k = 0; k < n; k++)
        if ((uint8_t)data[k] != w->byte[i] && data[k]) {
            fprintf(stderr, "%s: byte %zd is %d, not %d\n", path, k, data[k], w->byte[i]);
            exit(1);
        }
}

static void do_map(struct worker *w, const char *path)
{
    struct stat st;
    size_t i = below(w, 4);
    if (w->held[i] < 0 || fstat(w->held[i], &st) < 0 || st.st_size < 8192)
        return;
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, w->held[i], 0);
    if (!check(w, p == MAP_FAILED ? -1 : 0, "mmap", path, 0))
        return;
    close_fd(&w->held[i]); /* nobody shortens a file below one page: no SIGBUS */
    memset(p, w->byte[i], 4096);
    munmap(p, 4096);
}

static void do_truncate(struct worker *w, const char *path)
{
    size_t i = below(w, 4);
    if (w->held[i] >= 0)
        check(w, ftruncate(w->held[i], (off_t)(8192 + below(w, 8192))), "truncate", path, 0);
}

static void do_mkdir(struct worker *w, const char *path)
{
    check(w, mkdir(path, 0755), "mkdir", path, 0);
}

static void do_unlink(struct worker *w, const char *path)
{
    check(w, unlink(path), "unlink", path, 0);
}

static void do_rmdir(struct worker *w, const char *path)
{
    check(w, rmdir(path), "rmdir", path, 0);
}

/* Everything below, as trees would grow without end by being moved into each other. */
static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path) < 0 && !is_race(errno) ? errno : 0;
}

static void do_prune(struct worker *w, const char *path)
{
    if (below(w, 8))
        return;
    int e = nftw(path, remove_one, 50, FTW_PHYS | FTW_DEPTH);
    errno = e > 0 ? e : errno;
    check(w, e > 0 ? -1 : 0, "remove all of", path, 0);
}

static void do_rename(struct worker *w, const char *path)
{
    static const unsigned flags[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
    unsigned flag = flags[below(w, 5)];
    char to[64];
    choose(w, to);
    if (strlen(to) > strlen(path)) /* what is moved goes up, so that trees do not grow downward */
        return;
    if (strlen(to) < strlen(path))
        flag &= ~(unsigned)RENAME_EXCHANGE;
    check(w, renameat2(AT_FDCWD, path, AT_FDCWD, to, flag), "rename", path, EINVAL);
}

static void do_link(struct worker *w, const char *path)
{
    char to[64];
    choose(w, to);
    check(w, link(path, to), "link", path, EPERM);
}

static void do_symlink(struct worker *w, const char *path)
{
    char to[64];
    choose(w, to);
    check(w, symlink(to, path), "symlink", path, 0);
}

static void do_mkfifo(struct worker *w, const char *path)
{
    check(w, mkfifo(path, 0600), "mkfifo", path, 0);
}

static void do_attributes(struct worker *w, const char *path)
{
    struct timespec t[2] = {{.tv_sec = 1}, {.tv_sec = (time_t)below(w, 1000)}};
    switch (below(w, 4)) {
    case 0: check(w, chmod(path, 0600 | (mode_t)below(w, 0100)), "chmod", path, 0); break;
    case 1: check(w, utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW), "utimens", path, 0); break;
    case 2: check(w, lchown(path, 0, 0), "chown", path, 0); break;
    default: check(w, lsetxattr(path, "user.x", "value", 5, 0), "setxattr", path, EPERM);
    }
}

static void do_stat(struct worker *w, const char *path)
{
    struct stat st;
    char target[100];
    check(w, lstat(path, &st), "lstat", path, 0);
    check(w, readlink(path, target, sizeof(target)), "readlink", path, EINVAL);
}

/* No name comes twice in one listing. */
static void do_list(struct worker *w, const char *path)
{
    unsigned seen = 0;
    auto_closedir DIR *d = opendir(path);
    if (!check(w, d ? 0 : -1, "opendir", path, 0))
        return;
    const struct dirent *e;
    for (errno = 0; (e = readdir(d)); errno = 0) {
        unsigned bit = e->d_name[0] == 'n' ? 1u << (e->d_name[1] - '0') : 0;
        if (seen & bit) {
            fprintf(stderr, "%s/%s comes twice\n", path, e->d_name);
            exit(1);
        }
        seen |= bit;
    }
    check(w, errno ? -1 : 0, "readdir", path, 0);
}

static void (*const steps[])(struct worker *w, const char *path) = {
    do_create, do_create,     do_create,     do_open,   do_open,   do_write, do_write,
    do_read,   do_map,        do_truncate,   do_mkdir,  do_mkdir,  do_mkdir, do_unlink,
    do_unlink, do_rmdir,      do_rename,     do_rename, do_rename, do_link,  do_symlink,
    do_mkfifo, do_attributes, do_attributes, do_stat,   do_stat,   do_list,  do_prune};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

_Noreturn static void work(const char *how_long, uint64_t seed)
{
    struct worker w = {.random = seed * 2 + 1, .held = {-1, -1, -1, -1}};
    uint64_t most = *how_long == '=' ? strtoull(how_long + 1, NULL, 10) : UINT64_MAX;
    double end = *how_long == '=' ? 1e18 : now() + strtod(how_long, NULL);
    umask(0);
    while (w.done < most && now() < end) {
        char path[64];
        choose(&w, path);
        steps[below(&w, sizeof(steps) / sizeof(*steps))](&w, path);
    }
    printf("%llu calls, %llu of them refused\n", (unsigned long long)w.done,
           (unsigned long long)w.failed);
    exit(w.done == w.failed); /* of calls that all fail nothing is learned */
}

static int run(int processes, const char *how_long, uint64_t seed)
{
    int status, bad = 0;
    fflush(stdout);
    for (int i = 0; i < processes; i++)
        if (fork() == 0)
            work(how_long, seed * 1000 + (uint64_t)i + 1);
    while (wait(&status) > 0)
        bad |= status != 0;
    return bad;
}

/* --- check -------------------------------------------------------------------------------- */

struct seen {
    ino_t ino;
    nlink_t nlink, names;
    char *path;
};

/* nftw() takes no argument. */
static struct {
    struct seen *v;
    size_t n, cap, objects, bad;
} found;

static void complain(const char *path, const char *what, long long a, long long b)
{
    fprintf(stderr, "%s: %s: %lld, %lld\n", path, what, a, b);
    found.bad++;
}

static void count_name(const char *path, const struct stat *st)
{
    for (size_t i = 0; i < found.n; i++)
        if (found.v[i].ino == st->st_ino) {
            found.v[i].names++;
            return;
        }
    grow_array(found.v, found.n, found.cap);
    found.v[found.n++] = (struct seen){st->st_ino, st->st_nlink, 1, xstrdup(path)};
}

static void check_dir(const char *path, const char *name, const struct stat *st)
{
    nlink_t dirs = 2;
    auto_closedir DIR *d = opendir(name);
    const struct dirent *e;
    while (d && (e = readdir(d))) {
        struct stat s;
        if (strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(d), e->d_name, &s, AT_SYMLINK_NOFOLLOW) < 0) {
            complain(path, e->d_name, errno, 0);
            continue;
        }
        if (s.st_ino != e->d_ino || (e->d_type && e->d_type != IFTODT(s.st_mode)))
            complain(path, "listed as another", (long long)e->d_ino, (long long)s.st_ino);
        dirs += S_ISDIR(s.st_mode) && strcmp(e->d_name, ".") != 0;
    }
    if (!d || st->st_nlink != dirs)
        complain(path, "links of a directory", (long long)st->st_nlink, (long long)dirs);
}

/* A sum of the content, which is of one byte and zeros. */
static unsigned long long check_file(const char *path, const char *name, const struct stat *st)
{
    unsigned char data[65536], byte = 0;
    unsigned long long sum = 0;
    auto_close int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    off_t size = 0;
    while ((n = read(fd, data, sizeof(data))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            byte = byte ? byte : data[i];
            if (data[i] && data[i] != byte)
                complain(path, "bytes of two files", byte, data[i]);
            sum = sum * 31 + data[i];
        }
        size += n;
    }
    if (n < 0 || size != st->st_size)
        complain(path, "size", (long long)st->st_size, n < 0 ? -errno : (long long)size);
    return sum;
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    char target[128] = "";
    const char *name = path + ftw->base; /* paths may be longer than the kernel takes */
    unsigned long long sum = 0;
    found.objects++;
    if (kind == FTW_NS || kind == FTW_DNR) {
        complain(path, "cannot be looked at", kind, errno);
        return 0;
    }
    if (S_ISDIR(st->st_mode))
        check_dir(path, name, st);
    else
        count_name(path, st);
    if (S_ISREG(st->st_mode))
        sum = check_file(path, name, st);
    if (S_ISLNK(st->st_mode) && readlink(name, target, sizeof(target) - 1) < 0)
        complain(path, "readlink", errno, 0);
    if (ftw->level) /* the root's own line depends on nothing that was tested */
        printf("%s %o %u:%u %llu %lld %lld.%09ld %llx %s %s\n", path, st->st_mode, st->st_uid,
               st->st_gid, (unsigned long long)st->st_nlink,
               S_ISDIR(st->st_mode) ? 0 : (long long)st->st_size, (long long)st->st_mtime,
               st->st_mtim.tv_nsec, sum, target,
               lgetxattr(name, "user.x", target, sizeof(target)) > 0 ? "x" : "");
    return 0;
}

static int check_tree(void)
{
    if (nftw(".", visit, 50, FTW_PHYS | FTW_CHDIR) != 0)
        return 1;
    for (size_t i = 0; i < found.n; i++) {
        if (found.v[i].nlink != found.v[i].names)
            complain(found.v[i].path, "links of a file", (long long)found.v[i].nlink,
                     (long long)found.v[i].names);
        free(found.v[i].path);
    }
    free(found.v);
    return found.bad || found.objects < 2;
}

int main(int argc, char **argv)
{
    if (argc < 3 || chdir(argv[2]) < 0) {
        perror(argc < 3 ? "usage: overlay-stress make|run|check DIR ..." : argv[2]);
        return 2;
    }
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return run(1, "=3000", strtoull(argv[3], NULL, 10));
    if (argc == 6 && strcmp(argv[1], "run") == 0)
        return run(atoi(argv[3]), argv[4], strtoull(argv[5], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "check") == 0)
        return check_tree();
    fputs(
        "usage: overlay-stress make DIR SEED | run DIR PROCESSES SECONDS|=STEPS SEED | check DIR\n",
        stderr);
    return 2;
}
