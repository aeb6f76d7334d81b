/* SPDX-License-Identifier: Apache-2.0 */
/* kill-at.so, for LD_PRELOAD: something goes wrong at the Nth change that a program makes on disk.
 *
 *   KILL_AT=7 KILL_PROGRAM=wherry-image KILL_HOW=power LD_PRELOAD=.../kill-at.so wherry import ...
 *
 * Theory of operation. Calls that change directories, and syncs, are counted from 1 in the program
 * named KILL_PROGRAM (its forked children do not count, nor do programs that it executes); before
 * the Nth happens comes what KILL_HOW says. A loop over N that ends when the command succeeds has
 * seen every moment at which a crash can make a difference to what is on disk.
 *
 *   kill         SIGKILL. What was written stays written: the kernel is still there.
 *   power        the power fails: what was not synced is taken back, as a journaling file system
 * may leave it. Directory changes are kept up to the last sync of anything (the journal is in
 * order); data that was not synced is gone, its file is empty. power-loose  the same without a
 * journal: only what its own directory's sync made safe is kept. enospc       from the Nth on every
 * call that needs room fails, writes of data included; only such calls count. eio          the Nth
 * call (writes and opens included) fails, once. emfile       the same, of those that open
 * something.
 *
 * To take changes back, every one is noted when it is made, with a descriptor of its directory;
 * what is removed or replaced is kept meanwhile as a hard link in the directory KILL_SAVE (on the
 * same file system). At the end all processes of the program die, because none survives a power
 * failure.
 *
 * Not covered: writes through a mapping, changes by several processes at once (another process's
 * changes stay), reordering inside a single file. KILL_COUNT=FILE: writes there how many calls
 * there were, when the program ends by itself. KILL_CHILDREN=1: calls of forked children count too,
 * and with `kill` all of them die; not for power failures. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT     __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&name))real(#name))

enum how { HOW_KILL, HOW_POWER, HOW_LOOSE, HOW_ENOSPC, HOW_EIO, HOW_EMFILE };

struct change {
    enum { MADE, MADE_DIR, REMOVED, REMOVED_DIR, MOVED } kind;
    bool safe;   /* a sync has been there since */
    int dir, to; /* places in `dirs` */
    char *name, *to_name;
    int saved; /* number of the link in KILL_SAVE to what was removed or replaced, or -1 */
};

struct place {
    dev_t dev;
    ino_t ino;
    int fd;
    bool dirty; /* of a file: written since its last sync */
};

static struct {
    bool on;
    enum how how;
    long at;
    pid_t pid;
    bool children;
    int save;
    const char *count;
    long *seen; /* shared with forked children: calls so far; -1 when all must die */
    struct change *changes;
    int n_changes;
    struct place *dirs, *files;
    int n_dirs, n_files, n_saved;
} k = {.save = -1};

/* A program's threads note one after the other. */
static pthread_mutex_t notes = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void unlock_notes(const int *unused)
{
    (void)unused;
    pthread_mutex_unlock(&notes);
}

#define WITH_NOTES()                                                                               \
    __attribute__((cleanup(unlock_notes), unused)) const int notes_held = pthread_mutex_lock(&notes)

static void *real(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);
    if (!p)
        abort();
    return p;
}

static void out_of_memory(void)
{
    (void)!write(2, "kill-at: out of memory\n", 23);
    abort();
}

static void *grow(void *p, int n, size_t size)
{
    p = realloc(p, (size_t)(n + 1) * size);
    if (!p)
        out_of_memory();
    return p;
}

static enum how how_of(const char *s)
{
    static const char *const names[] = {"kill", "power", "power-loose", "enospc", "eio", "emfile"};
    for (int i = 0; s && i < 6; i++)
        if (strcmp(s, names[i]) == 0)
            return (enum how)i;
    return HOW_KILL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("KILL_AT"), *program = getenv("KILL_PROGRAM"),
               *save = getenv("KILL_SAVE");
    k.count = getenv("KILL_COUNT");
    if ((!at && !k.count) || (program && strcmp(program, program_invocation_short_name) != 0))
        return;
    k.how = how_of(getenv("KILL_HOW"));
    k.at = at ? atol(at) : 0;
    k.pid = getpid();
    k.children = getenv("KILL_CHILDREN") && k.how != HOW_POWER && k.how != HOW_LOOSE;
    if (save)
        k.save = open(save, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    k.seen = mmap(NULL, sizeof(*k.seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (k.seen == MAP_FAILED || ((k.how == HOW_POWER || k.how == HOW_LOOSE) && k.save < 0))
        abort();
    k.on = true;
}

__attribute__((destructor)) static void end(void)
{
    if (!k.on || !k.count || getpid() != k.pid)
        return;
    int fd = REAL(open)(k.count, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0)
        dprintf(fd, "%ld\n", *k.seen);
    close(fd);
}

static bool keeps_notes(void)
{
    return k.on && getpid() == k.pid && (k.how == HOW_POWER || k.how == HOW_LOOSE);
}

/* --- what was changed ----------------------------------------------------------------------- */

static int place_of(struct place **all, int *n, int fd, const struct stat *st)
{
    for (int i = 0; i < *n; i++)
        if ((*all)[i].dev == st->st_dev && (*all)[i].ino == st->st_ino)
            return i;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    /* A description of its own: locks on the program's must go when it closes that. */
    int own = REAL(open)(path, (S_ISDIR(st->st_mode) ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (own >= 0) {
        int high = fcntl(own, F_DUPFD_CLOEXEC, 500);
        if (high >= 0) {
            close(own);
            own = high;
        }
    }
    *all = grow(*all, *n, sizeof(**all));
    (*all)[*n] = (struct place){.dev = st->st_dev, .ino = st->st_ino, .fd = own};
    return (*n)++;
}

/* The place of the directory at `path`. */
static int place_at(int dirfd, const char *dir)
{
    int fd = REAL(openat)(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    int i = place_of(&k.dirs, &k.n_dirs, fd, &st);
    close(fd);
    return i;
}

/* The directory that `path` is in, and *ret_name in there. */
static int dir_of(int dirfd, const char *path, const char **ret_name)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    *ret_name = slash ? slash + 1 : path;
    return place_at(dirfd, dir);
}

/* A link to what stands there, or -1. */
static int save(int dir, const char *name)
{
    char number[24];
    struct stat st;
    if (dir < 0 || fstatat(k.dirs[dir].fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        S_ISDIR(st.st_mode))
        return -1;
    snprintf(number, sizeof(number), "%d-%d", (int)k.pid, k.n_saved);
    return REAL(linkat)(k.dirs[dir].fd, name, k.save, number, 0) == 0 ? k.n_saved++ : -1;
}

static void note(int kind, int dir, const char *name, int to, const char *to_name, int saved)
{
    k.changes = grow(k.changes, k.n_changes, sizeof(*k.changes));
    k.changes[k.n_changes++] = (struct change){.kind = (typeof(k.changes->kind))kind,
                                               .dir = dir,
                                               .to = to,
                                               .name = strdup(name),
                                               .to_name = to_name ? strdup(to_name) : NULL,
                                               .saved = saved};
}

static void note_written(int fd)
{
    struct stat st;
    if (!keeps_notes() || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    int i = place_of(&k.files, &k.n_files, fd, &st); /* moves the table */
    k.files[i].dirty = true;
}

static void note_synced(int fd, const struct stat *st)
{
    for (int i = 0; i < k.n_files; i++)
        if (k.files[i].dev == st->st_dev && k.files[i].ino == st->st_ino)
            k.files[i].dirty = false;
    for (int i = 0; i < k.n_changes; i++) {
        struct change *c = &k.changes[i];
        const struct place *d = &k.dirs[c->dir], *t = c->kind == MOVED ? &k.dirs[c->to] : d;
        c->safe |= k.how == HOW_POWER || (d->dev == st->st_dev && d->ino == st->st_ino) ||
                   (t->dev == st->st_dev && t->ino == st->st_ino);
    }
}

/* --- and taken back ------------------------------------------------------------------------- */

static void put_back(const struct change *c, int dir, const char *name)
{
    char number[24];
    snprintf(number, sizeof(number), "%d-%d", (int)k.pid, c->saved);
    if (c->saved >= 0)
        REAL(linkat)(k.save, number, k.dirs[dir].fd, name, 0);
}

static void take_back(const struct change *c)
{
    int dir = k.dirs[c->dir].fd;
    switch (c->kind) {
    case MADE: REAL(unlinkat)(dir, c->name, 0); break;
    case MADE_DIR: REAL(unlinkat)(dir, c->name, AT_REMOVEDIR); break;
    case REMOVED: put_back(c, c->dir, c->name); break;
    case REMOVED_DIR:
        REAL(mkdirat)(dir, c->name, 0700);
        if (c->to >= 0) /* what was in it comes back into the new one */
            k.dirs[c->to].fd = REAL(openat)(dir, c->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        break;
    case MOVED:
        REAL(renameat)(k.dirs[c->to].fd, c->to_name, dir, c->name);
        put_back(c, c->to, c->to_name);
        break;
    }
}

static _Noreturn void power_fails(void)
{
    *k.seen = -1;
    for (int i = 0; i < k.n_files; i++)
        if (k.files[i].dirty && k.files[i].fd >= 0)
            (void)!REAL(ftruncate)(k.files[i].fd, 0);
    for (int i = k.n_changes; i-- > 0;)
        if (!k.changes[i].safe)
            take_back(&k.changes[i]);
    kill(getpid(), SIGKILL);
    abort();
}

/* --- when ----------------------------------------------------------------------------------- */

enum need { NEEDS_NOTHING, NEEDS_ROOM, NEEDS_FD };

/* Before a call. True when it is to fail, with errno set. Calls that are no change of a directory
 * (`minor`: writes, opens) only count where they can fail. */
static bool comes(bool minor, enum need need)
{
    if (!k.on)
        return false;
    if (*k.seen < 0)
        _exit(137);
    if ((getpid() != k.pid && !k.children) || (minor && k.how < HOW_ENOSPC))
        return false;
    if ((k.how == HOW_ENOSPC && need != NEEDS_ROOM) || (k.how == HOW_EMFILE && need != NEEDS_FD))
        return false; /* a loop over N need not come here */
    long n = ++*k.seen;
    if (k.at == 0 || (k.how == HOW_ENOSPC ? n < k.at : n != k.at))
        return false;
    switch (k.how) {
    case HOW_KILL:
        *k.seen = k.children ? -1 : *k.seen;
        kill(getpid(), SIGKILL);
        abort();
    case HOW_POWER:
    case HOW_LOOSE: power_fails();
    case HOW_ENOSPC: errno = ENOSPC; return true;
    case HOW_EIO: errno = EIO; return true;
    case HOW_EMFILE: errno = EMFILE; return true;
    }
    return false;
}

/* --- the calls ------------------------------------------------------------------------------ */

static int move(int from, const char *a, int to, const char *b, unsigned flags)
{
    WITH_NOTES();
    if (comes(false, NEEDS_ROOM))
        return -1;
    if (!keeps_notes())
        return REAL(renameat2)(from, a, to, b, flags);
    const char *a_name, *b_name;
    int a_dir = dir_of(from, a, &a_name), b_dir = dir_of(to, b, &b_name);
    int saved = flags ? -1 : save(b_dir, b_name);
    int r = REAL(renameat2)(from, a, to, b, flags), code = errno;
    if (r == 0)
        note(MOVED, a_dir, a_name, b_dir, b_name, saved);
    errno = code;
    return r;
}

EXPORT int rename(const char *a, const char *b)
{
    return move(AT_FDCWD, a, AT_FDCWD, b, 0);
}

EXPORT int renameat(int from, const char *a, int to, const char *b)
{
    return move(from, a, to, b, 0);
}

EXPORT int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
    return move(from, a, to, b, flags);
}

static int made(int r, int kind, int dirfd, const char *path)
{
    WITH_NOTES();
    int code = errno;
    if (r >= 0 && keeps_notes()) {
        const char *name;
        int dir = dir_of(dirfd, path, &name);
        note(kind, dir, name, -1, NULL, -1);
    }
    errno = code;
    return r;
}

EXPORT int linkat(int from, const char *a, int to, const char *b, int flags)
{
    return comes(false, NEEDS_ROOM) ? -1 : made(REAL(linkat)(from, a, to, b, flags), MADE, to, b);
}

EXPORT int link(const char *a, const char *b)
{
    return linkat(AT_FDCWD, a, AT_FDCWD, b, 0);
}

EXPORT int symlinkat(const char *target, int dirfd, const char *path)
{
    return comes(false, NEEDS_ROOM) ? -1
                                    : made(REAL(symlinkat)(target, dirfd, path), MADE, dirfd, path);
}

EXPORT int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

EXPORT int mkdirat(int dirfd, const char *path, mode_t mode)
{
    return comes(false, NEEDS_ROOM) ? -1
                                    : made(REAL(mkdirat)(dirfd, path, mode), MADE_DIR, dirfd, path);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

EXPORT int unlinkat(int dirfd, const char *path, int flags)
{
    WITH_NOTES();
    if (comes(false, NEEDS_NOTHING))
        return -1;
    if (!keeps_notes())
        return REAL(unlinkat)(dirfd, path, flags);
    const char *name;
    int dir = dir_of(dirfd, path, &name);
    bool is_dir = flags & AT_REMOVEDIR;
    int saved = is_dir ? -1 : save(dir, name), itself = is_dir ? place_at(dirfd, path) : -1;
    int r = REAL(unlinkat)(dirfd, path, flags), code = errno;
    if (r == 0)
        note(is_dir ? REMOVED_DIR : REMOVED, dir, name, itself, NULL, saved);
    errno = code;
    return r;
}

EXPORT int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static int open_path(int dirfd, const char *path, int flags, mode_t mode)
{
    bool makes = flags & O_CREAT && faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
    if (comes(!makes, makes && k.how == HOW_ENOSPC ? NEEDS_ROOM : NEEDS_FD))
        return -1;
    int fd = REAL(openat)(dirfd, path, flags, mode);
    return makes ? made(fd, MADE, dirfd, path) : fd;
}

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_path(dirfd, path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_path(AT_FDCWD, path, flags, mode);
}

static int synced(int r, int fd)
{
    WITH_NOTES();
    struct stat st;
    if (r == 0 && keeps_notes() && fstat(fd, &st) == 0)
        note_synced(fd, &st);
    return r;
}

EXPORT int fsync(int fd)
{
    return comes(false, NEEDS_NOTHING) ? -1 : synced(REAL(fsync)(fd), fd);
}

EXPORT int fdatasync(int fd)
{
    return comes(false, NEEDS_NOTHING) ? -1 : synced(REAL(fdatasync)(fd), fd);
}

/* Whether a write to `fd` may go through: terminals and pipes never fail here. */
static bool write_fails(int fd)
{
    WITH_NOTES();
    struct stat st;
    if (!k.on || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    if (comes(true, NEEDS_ROOM))
        return true;
    note_written(fd);
    return false;
}

EXPORT ssize_t write(int fd, const void *data, size_t n)
{
    return write_fails(fd) ? -1 : REAL(write)(fd, data, n);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return write_fails(fd) ? -1 : REAL(pwrite)(fd, data, n, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
    return write_fails(fd) ? -1 : REAL(writev)(fd, iov, n);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
    return write_fails(fd) ? -1 : REAL(pwritev)(fd, iov, n, offset);
}

EXPORT int ftruncate(int fd, off_t size)
{
    return write_fails(fd) ? -1 : REAL(ftruncate)(fd, size);
}

EXPORT ssize_t copy_file_range(int in, off_t *a, int out, off_t *b, size_t n, unsigned flags)
{
    return write_fails(out) ? -1 : REAL(copy_file_range)(in, a, out, b, n, flags);
}
