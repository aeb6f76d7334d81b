/* SPDX-License-Identifier: Apache-2.0 */
/* Reading who calls, and finding what it means.
 *
 * Theory of operation. A path is walked by the kernel, for us as it would be for the caller: from
 * the caller's root, which chroot() makes ours, and its working directory or descriptor. So "..",
 * absolute links and mounts are right, whatever changes meanwhile (openat2's RESOLVE_IN_ROOT would
 * do for absolute paths, but takes a working directory for the root). Magic links are not followed:
 * /proc/self would be ours. What is commonly used of them, the caller's own descriptors, working
 * directory and root, is told by its text and opened through the monitor's /proc.
 *
 * Should: open nothing but O_PATH. Mustn't: use the monitor's /proc as a place from which a path of
 * the caller's is walked; trust a thing that was read to be the same when it is read again. */
#include "runtime/emulate_internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LINKS_MAX 40 /* as the kernel */
#define PAGE      4096u

int call_open(const struct call *c, const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "%d/%s", (int)c->pid, name);
    int fd = openat(c->e->proc, path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int transfer(const struct call *c, uint64_t address, void *data, size_t len, bool out)
{
    auto_close int mem = call_open(c, "mem", out ? O_RDWR : O_RDONLY);
    if (mem < 0)
        return mem;
    /* From here on it is the same process, or none. */
    if (out && !call_valid(c))
        return -ESRCH;
    ssize_t n = out ? pwrite64(mem, data, len, (off64_t)address)
                    : pread64(mem, data, len, (off64_t)address);
    return n == (ssize_t)len ? 0 : -EFAULT;
}

int call_read(const struct call *c, uint64_t address, void *data, size_t len)
{
    return len ? transfer(c, address, data, len, false) : 0;
}

int call_write(const struct call *c, uint64_t address, const void *data, size_t len)
{
    return len ? transfer(c, address, (void *)data, len, true) : 0;
}

int call_read_string(const struct call *c, uint64_t address, char *room, size_t size)
{
    auto_close int mem = call_open(c, "mem", O_RDONLY);
    if (mem < 0)
        return mem;
    /* Page by page, as the next one may not be there. */
    for (size_t at = 0; at < size;) {
        size_t len = PAGE - (address + at) % PAGE;
        len = len < size - at ? len : size - at;
        ssize_t n = pread64(mem, room + at, len, (off64_t)(address + at));
        if (n <= 0)
            return -EFAULT;
        if (memchr(room + at, 0, (size_t)n))
            return 0;
        at += (size_t)n;
    }
    return -ENAMETOOLONG;
}

int call_umask(const struct call *c)
{
    char text[1024];
    unsigned mask;
    auto_close int fd = call_open(c, "status", O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -1;
    text[n] = 0;
    const char *line = strstr(text, "\nUmask:");
    return line && sscanf(line, "\nUmask: %o", &mask) == 1 ? (int)(mask & 0777) : -1;
}

/* A place from which to walk: a directory, or -1 for the root. */
static int walk(const struct call *c, int base, const char *path, bool follow)
{
    char root[32];
    snprintf(root, sizeof(root), "%d/root", (int)c->pid);
    /* Our working directory is the monitor's /proc, and our root the last caller's. */
    if (chroot(root) < 0)
        return -errno;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
                           .resolve = RESOLVE_NO_MAGICLINKS};
    if (base < 0 && *path != '/')
        return -EINVAL;
    long fd = syscall(SYS_openat2, base, path, &how, sizeof(how));
    if (fd < 0 && errno == ENOSYS)
        fd = openat(base, path, (int)how.flags);
    return fd < 0 ? -errno : (int)fd;
}

/* Whether the path is one of `prefixes`, with a component more or not; *ret_rest is what follows.
 */
static bool begins(const char *path, const char *prefix, const char **ret_rest)
{
    size_t n = strlen(prefix);
    if (strncmp(path, prefix, n) != 0 || (path[n] && path[n] != '/'))
        return false;
    *ret_rest = path + n;
    return true;
}

static bool is_number(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return len > 0 && len < 8;
}

/* The link in the caller's directory in /proc that the path begins with: its name there is put in
 * `room`, "" when there is none; *ret_rest is what follows it. */
static void own_link(const char *path, char room[static 16], const char **ret_rest)
{
    static const char *const numbers[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    const char *rest;
    *room = 0;
    for (int i = 0; i < 3; i++)
        if (begins(path, numbers[i], ret_rest)) {
            snprintf(room, 16, "fd/%d", i);
            return;
        }
    if (begins(path, "/dev/fd", &rest)) {
        path = rest;
    } else if (begins(path, "/proc/self", &rest) || begins(path, "/proc/thread-self", &rest)) {
        if (begins(rest, "/cwd", ret_rest) || begins(rest, "/root", ret_rest)) {
            snprintf(room, 16, "%.*s", (int)(*ret_rest - rest) - 1, rest + 1);
            return;
        }
        if (!begins(rest, "/fd", &path))
            return;
    } else {
        return;
    }
    size_t len = *path == '/' ? strcspn(path + 1, "/") : 0;
    if (!is_number(path + 1, len))
        return;
    snprintf(room, 16, "fd/%.*s", (int)len, path + 1);
    *ret_rest = path + 1 + len;
}

/* A path that goes through one of the caller's own magic links; -ENOENT when it does not. */
static int find_own(const struct call *c, const char *path, bool follow)
{
    char name[16];
    const char *rest = NULL;
    own_link(path, name, &rest);
    if (!*name)
        return -ENOENT;
    auto_close int fd = call_open(c, name, O_PATH);
    if (fd < 0)
        return fd;
    rest += strspn(rest, "/");
    if (*rest)
        return walk(c, fd, rest, follow);
    /* The link itself is procfs's, of which nothing is recorded. */
    return follow ? take_fd(&fd) : call_open(c, "fd", O_PATH);
}

/* Where a link in the last component leads: its directory is opened into *ret_base (-1: the root),
 * its target put into `path`. */
static int next_link(const struct call *c, int base, char path[static PATH_MAX], int *ret_base)
{
    char target[PATH_MAX];
    auto_close int link = walk(c, base, path, false);
    if (link < 0)
        return link;
    ssize_t n = readlinkat(link, "", target, sizeof(target));
    if (n <= 0)
        return -ENOENT;
    if (n == sizeof(target))
        return -ENAMETOOLONG;
    target[n] = 0;
    if (*target != '/') {
        char *slash = strrchr(path, '/');
        if (slash) {
            slash[1] = 0;
            base = *ret_base = walk(c, base, path, true);
        } else {
            base = *ret_base = fcntl(base, F_DUPFD_CLOEXEC, 0);
        }
        if (base < 0)
            return base;
    }
    memcpy(path, target, (size_t)n + 1);
    return 0;
}

static int find_from(const struct call *c, int base, const char *asked, bool follow)
{
    char path[PATH_MAX];
    auto_close int own = -1;
    snprintf(path, sizeof(path), "%s", asked);
    for (int links = 0; links < LINKS_MAX; links++) {
        int fd = *path == '/' ? find_own(c, path, follow) : -ENOENT;
        if (fd == -ENOENT)
            fd = walk(c, base, path, follow);
        if (fd != -ENOENT && fd != -ELOOP)
            return fd;
        /* A link whose target is one of the caller's own (/dev/stdout)? */
        int next = -1;
        if (!follow || next_link(c, base, path, &next) < 0) {
            close_fd(&next);
            return fd;
        }
        close_fd(&own);
        base = own = next;
    }
    return -ELOOP;
}

int call_find_fd(const struct call *c, int fd)
{
    char name[24];
    snprintf(name, sizeof(name), "fd/%d", fd);
    int r = fd < 0 ? -ENOENT : call_open(c, name, O_PATH);
    return r == -ENOENT ? -EBADF : r;
}

int call_find(const struct call *c, int dirfd, const char *path, bool follow)
{
    auto_close int base = -1;
    if (!*path)
        return -ENOENT;
    if (*path != '/') {
        base = dirfd == AT_FDCWD ? call_open(c, "cwd", O_PATH) : call_find_fd(c, dirfd);
        if (base < 0)
            return base;
    }
    return find_from(c, base, path, follow);
}

int call_find_by_address(const struct call *c, int dirfd, uint64_t address, bool follow, bool empty)
{
    char path[PATH_MAX];
    int r = call_read_string(c, address, path, sizeof(path));
    if (r < 0)
        return r;
    if (*path || !empty)
        return call_find(c, dirfd, path, follow);
    return dirfd == AT_FDCWD ? call_open(c, "cwd", O_PATH) : call_find_fd(c, dirfd);
}

bool call_is_ours(const struct call *c, int fd)
{
    struct stat st;
    return c->e->dev && fstat(fd, &st) == 0 && st.st_dev == c->e->dev;
}
