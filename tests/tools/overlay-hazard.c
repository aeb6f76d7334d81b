/* SPDX-License-Identifier: Apache-2.0 */
/* What has gone wrong in other overlays, one command each; status 0 when it goes well.
 *
 *   overlay-hazard fill DIR COUNT       files to list
 *   overlay-hazard list DIR             what stays comes once while others come and go
 *   overlay-hazard seek DIR             telldir() and seekdir(), changes between
 *   overlay-hazard move DIR COUNT       a listing ends for who renames what it reads
 *   overlay-hazard number DIR           what gets another number has it in listings as well
 *   overlay-hazard linear SMALL LARGE   an entry takes about the same time in both
 *   overlay-hazard readers FILE         some read and map while another writes
 *   overlay-hazard pin DIR COUNT        so many open files without a name
 *   overlay-hazard forget DIR COUNT PID makes and removes; the server's memory stays
 *   overlay-hazard exec DIR COUNT       executes copies of itself whose pages nobody has read yet,
 *                                       with unwritten data in what the exec closes
 */
#include "base/alloc.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

_Noreturn static void fail(const char *what, long long a, long long b)
{
    fprintf(stderr, "%s: %lld, %lld: %s\n", what, a, b, errno ? strerror(errno) : "wrong");
    exit(1);
}

static void touch(const char *name)
{
    auto_close int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        fail(name, 0, 0);
}

/* Files stay0, stay1... */
static void fill(long count)
{
    char name[32];
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "stay%ld", i);
        touch(name);
    }
}

struct entry {
    uint64_t ino;
    int64_t next;
    uint16_t len;
    uint8_t type;
    char name[];
};

/* One call of getdents64() that has room for few entries: the names of `stayN` are counted. */
static bool step(int dir, unsigned char *seen, long max, long *total)
{
    char room[512];
    long n = syscall(SYS_getdents64, dir, room, sizeof(room));
    if (n < 0)
        fail("getdents64", n, 0);
    for (long at = 0; at < n;) {
        const struct entry *e = (const void *)(room + at);
        long i;
        at += e->len;
        ++*total;
        if (sscanf(e->name, "stay%ld", &i) != 1)
            continue;
        if (i < 0 || i >= max)
            fail("a name that never was", i, max);
        if (seen[i]++)
            fail("comes twice", i, *total);
    }
    return n > 0;
}

static long count_stay(void)
{
    long n = 0;
    auto_closedir DIR *d = opendir(".");
    const struct dirent *e;
    while (d && (e = readdir(d)))
        n += strncmp(e->d_name, "stay", 4) == 0;
    return n;
}

/* Half of them come, go, or are renamed in the middle of it. */
static void list(void)
{
    long max = count_stay(), total = 0, round = 0;
    auto_free unsigned char *seen = xcalloc((size_t)max + 1, 1);
    auto_close int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[32], other[32];
    for (long i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "go%ld", i);
        touch(name);
    }
    while (step(dir, seen, max, &total)) {
        snprintf(name, sizeof(name), "come%ld", round);
        touch(name);
        snprintf(name, sizeof(name), "go%ld", round);
        snprintf(other, sizeof(other), "went%ld", round);
        if (round < 200 && (round % 2 ? unlink(name) : rename(name, other)) < 0)
            fail(name, round, 0);
        if (++round > 10000)
            fail("no end", round, total);
    }
    errno = 0;
    for (long i = 0; i < max; i++)
        if (seen[i] != 1)
            fail("does not come", i, max);
    if (round < 10)
        fail("too few rounds to say anything", round, 10);
}

static void seek(void)
{
    auto_closedir DIR *d = opendir(".");
    long at[4000], n = 0;
    auto_free char *names = xcalloc(4000, 32);
    const struct dirent *e;
    for (long pos = telldir(d); n < 4000 && (e = readdir(d)); pos = telldir(d)) {
        at[n] = pos;
        snprintf(names + 32 * n++, 32, "%.31s", e->d_name);
    }
    if (n < 100)
        fail("too few entries", n, 100);
    for (long i = 0; i < 300; i++) {
        long which = (i * 7919) % n;
        char name[32];
        snprintf(name, sizeof(name), "between%ld", i);
        touch(name);
        seekdir(d, at[which]);
        e = readdir(d);
        errno = 0;
        if (!e || strcmp(e->d_name, names + 32 * which) != 0)
            fail(e ? e->d_name : "nothing", which, at[which]);
    }
    rewinddir(d);
    long again = 0;
    while ((e = readdir(d)))
        again++;
    if (again != n + 300)
        fail("entries after rewinddir()", again, n + 300);
}

/* Without a look before: the kernel would remember the listing and go by that. */
static void move(long max)
{
    long n = 0;
    auto_closedir DIR *d = opendir(".");
    const struct dirent *e;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        if (++n > 2 * max)
            fail("no end", n, max);
        if (rename(e->d_name, "elsewhere") < 0 || rename("elsewhere", e->d_name) < 0)
            fail(e->d_name, n, 0);
    }
    errno = 0;
    if (n < max || max < 1000)
        fail("entries", n, max);
}

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for an entry, the best of some tries. A file comes in between: nothing is cached. */
static double time_of(const char *dir)
{
    double best = 1e9;
    if (chdir(dir) < 0)
        fail(dir, 0, 0);
    for (int i = 0; i < 5; i++) {
        touch("new");
        double start = cpu();
        long n = count_stay();
        double each = (cpu() - start) / (double)n;
        best = each < best ? each : best;
        unlink("new");
    }
    return best;
}

static void linear(const char *small, const char *large)
{
    auto_close int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    double a = time_of(small);
    if (fchdir(here) < 0)
        fail(small, 0, 0);
    double b = time_of(large);
    errno = 0;
    printf("%.0f ns and %.0f ns\n", a * 1e9, b * 1e9);
    if (b > 4 * a)
        fail("nanoseconds for an entry", (long long)(a * 1e9), (long long)(b * 1e9));
}

/* Bytes are 'a'; the writer makes the first of each block 'b'. */
_Noreturn static void read_on(const char *path, int stop, bool mapped)
{
    char block[4096], end;
    struct stat st;
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        fail(path, 0, 0);
    const char *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    fcntl(stop, F_SETFL, O_NONBLOCK);
    do {
        for (off_t at = 0; at < st.st_size; at += 4096) {
            if (!mapped && pread(fd, block, sizeof(block), at) != sizeof(block))
                fail("read", at, st.st_size);
            const char *p = mapped ? map + at : block;
            errno = 0;
            if ((p[0] != 'a' && p[0] != 'b') || p[1] != 'a' || p[4095] != 'a')
                fail("block", at, p[0]);
        }
    } while (read(stop, &end, 1) < 0);
    for (off_t at = 0; at < st.st_size; at += 4096)
        if (pread(fd, block, 1, at) != 1 || block[0] != 'b' || map[at] != 'b')
            fail("what was written is not seen", at, block[0]);
    _exit(0);
}

static void readers(const char *path)
{
    int stop[2], status;
    struct stat st;
    if (stat(path, &st) < 0 || st.st_size % 4096 || pipe(stop) < 0)
        fail(path, st.st_size, 0);
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            close(stop[1]);
            read_on(path, stop[0], i);
        }
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (off_t at = 0; at < st.st_size; at += 4096)
        if (pwrite(fd, "b", 1, at) != 1)
            fail("write", at, fd);
    if (fsync(fd) < 0)
        fail("fsync", fd, 0);
    close(stop[1]);
    while (wait(&status) > 0)
        if (status)
            fail("a reader ended", status, 0);
}

/* More than half of the server's own limit of what it keeps open by choice. */
static void pin(long count)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) < 0)
        fail("getrlimit", 0, 0);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    auto_free int *fds = xcalloc((size_t)count, sizeof(int));
    for (long i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "pin%ld", i);
        fds[i] = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fds[i] < 0 || pwrite(fds[i], &i, sizeof(i), 0) != sizeof(i) || unlink(name) < 0)
            fail(name, i, fds[i]);
    }
    for (long i = 0, got; i < count; i++)
        if (fsync(fds[i]) < 0 || posix_fadvise(fds[i], 0, 0, POSIX_FADV_DONTNEED) ||
            pread(fds[i], &got, sizeof(got), 0) != sizeof(got) || got != i)
            fail("content", i, fds[i]);
}

static long rss_of(const char *pid)
{
    char path[64], line[128];
    long kb = -1;
    snprintf(path, sizeof(path), "/proc/%s/status", pid);
    auto_fclose FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "VmRSS: %ld", &kb);
    if (kb < 0)
        fail(path, 0, 0);
    return kb;
}

static void come_and_go(long count)
{
    char name[32], file[64];
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "dir%ld", i);
        snprintf(file, sizeof(file), "%s/file", name);
        if (mkdir(name, 0755) < 0)
            fail(name, 0, 0);
        touch(file);
        if (unlink(file) < 0 || rmdir(name) < 0)
            fail(file, 0, 0);
    }
}

static void forget(long count, const char *pid)
{
    come_and_go(count / 10);
    long before = rss_of(pid);
    come_and_go(count);
    long after = rss_of(pid);
    errno = 0;
    printf("%ld kB, then %ld kB\n", before, after);
    if (after > before + before / 10)
        fail("memory", before, after);
}

/* A copy of this program that is in nobody's page cache. */
static void copy_self(const char *name)
{
    auto_close int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    auto_close int to = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    struct stat st;
    if (from < 0 || to < 0 || fstat(from, &st) < 0 ||
        sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size || fsync(to) < 0 ||
        posix_fadvise(to, 0, 0, POSIX_FADV_DONTNEED) != 0)
        fail(name, 0, 0);
}

/* The child shares our memory until its exec is through, and closes `data` in there. */
static void exec_one(char *program, const char *data)
{
    char *argv[] = {program, "fill", ".", "0", NULL};
    pid_t pid;
    int status;
    auto_close int fd = open(data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, data, strlen(data)) < 0)
        fail(data, 0, 0);
    errno = posix_spawn(&pid, program, NULL, NULL, argv, environ);
    if (errno || waitpid(pid, &status, 0) != pid || status != 0)
        fail(program, 0, 0);
}

static void exec_all(long count)
{
    char program[32], data[32];
    for (long i = 0; i < count; i++) {
        snprintf(program, sizeof(program), "program%ld", i);
        snprintf(data, sizeof(data), "data%ld", i);
        copy_self(program);
        exec_one(program, data);
    }
}

/* Listings tell the numbers that the objects have. */
static void same_numbers(const char *dir)
{
    auto_closedir DIR *d = opendir(dir);
    const struct dirent *e;
    struct stat st;
    while (d && (e = readdir(d)))
        if (*e->d_name != '.' &&
            (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != e->d_ino))
            fail(e->d_name, (long long)e->d_ino, (long long)st.st_ino);
}

static ino_t number_of(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        fail(path, 0, 0);
    return st.st_ino;
}

/* A symbolic link becomes another object on disk when it gets a second name, or attributes. */
static void number(void)
{
    if (mkdir("d", 0755) < 0 || mkdir("e", 0755) < 0 || symlink("x", "d/a") < 0 ||
        symlink("x", "d/b") < 0)
        fail("make", 0, 0);
    ino_t a = number_of("d/a"), b = number_of("d/b");
    same_numbers("d"); /* which the kernel keeps */
    if (link("d/a", "e/a") < 0)
        fail("link", 0, 0);
    same_numbers("d");
    same_numbers("e");
    if (lsetxattr("d/b", "security.x", "y", 1, 0) < 0)
        fail("setxattr", 0, 0);
    same_numbers("d");
    errno = 0;
    if (number_of("d/a") == a || number_of("d/b") == b)
        fail("nothing was tried: the number is the same", (long long)a, (long long)b);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    bool in_dir = strcmp(what, "linear") != 0 && strcmp(what, "readers") != 0;
    if (argc > 2 && in_dir && chdir(argv[2]) < 0)
        fail(argv[2], 0, 0);
    umask(022);
    if (strcmp(what, "fill") == 0 && argc == 4)
        fill(atol(argv[3]));
    else if (strcmp(what, "list") == 0)
        list();
    else if (strcmp(what, "seek") == 0)
        seek();
    else if (strcmp(what, "move") == 0 && argc == 4)
        move(atol(argv[3]));
    else if (strcmp(what, "number") == 0)
        number();
    else if (strcmp(what, "linear") == 0 && argc == 4)
        linear(argv[2], argv[3]);
    else if (strcmp(what, "readers") == 0)
        readers(argv[2]);
    else if (strcmp(what, "pin") == 0 && argc == 4)
        pin(atol(argv[3]));
    else if (strcmp(what, "forget") == 0 && argc == 5)
        forget(atol(argv[3]), argv[4]);
    else if (strcmp(what, "exec") == 0 && argc == 4)
        exec_all(atol(argv[3]));
    else
        fail("usage: see tests/tools/overlay-hazard.c", argc, 0);
    return 0;
}
