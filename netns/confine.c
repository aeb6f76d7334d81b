/* SPDX-License-Identifier: Apache-2.0 */
/* What the network helper gives up before it reads the first frame.
 *
 * It parses what hostile processes send and hostile servers answer, and runs as the user. A user
 * namespace of its own, with the same one id, gives it a root without anything in it; where the
 * kernel allows no further one, no_new_privs and the filters below hold alone. */
#include "netns/confine.h"

#include "base/cleanup.h"
#include "base/syscalls.h"

#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FILES_MAX 65536
#define STAGE     "/tmp" /* any directory that is there: an empty one covers it */

/* The most frequent ones first: a filter is read from the top. */
static const uint16_t allowed[] = {
    SYS_read,
    SYS_write,
    SYS_recvfrom,
    SYS_sendto,
    SYS_ppoll,
    SYS_clock_gettime,
    SYS_ioctl,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_getsockname,
    SYS_getpeername,
    SYS_shutdown,
    SYS_close,
    SYS_fcntl,
    SYS_newfstatat,
    SYS_openat,
    SYS_fstat,
    SYS_lseek,
    SYS_readv,
    SYS_writev,
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_mprotect,
    SYS_futex,
    SYS_getrandom,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_restart_syscall,
    SYS_getpid,
    SYS_gettid,
    SYS_tgkill,
    SYS_exit,
    SYS_exit_group,
    SYS_sigaltstack,
    SYS_statx,
#ifdef SYS_poll
    SYS_poll,
#endif
};

static int write_file(const char *path, const char *text)
{
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int own_user_namespace(void)
{
    char uids[32], gids[32];
    snprintf(uids, sizeof(uids), "%u %u 1", geteuid(), geteuid());
    snprintf(gids, sizeof(gids), "%u %u 1", getegid(), getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC) < 0)
        return -errno;
    int r = write_file("/proc/self/setgroups", "deny");
    if (r == 0)
        r = write_file("/proc/self/uid_map", uids);
    return r < 0 ? r : write_file("/proc/self/gid_map", gids);
}

/* Makes STAGE/`dir` with the directories above it, and binds the host's there. */
static int show(const char *dir)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), STAGE "%s", dir) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    for (char *p = path + strlen(STAGE) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = 0;
        mkdir(path, 0755);
    }
    mkdir(path, 0755);
    return mount(dir, path, NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
}

/* Name servers change while a container runs: files are replaced, so directories are shown; the
 * file in /etc often is a link out of it. */
static int show_resolvers(void)
{
    auto_free char *file = realpath("/etc/resolv.conf", NULL);
    int r = show("/etc");
    if (r < 0 || !file || strncmp(file, "/etc/", 5) == 0 || strncmp(file, STAGE "/", 5) == 0)
        return r;
    *strrchr(file, '/') = 0;
    return *file ? show(file) : 0; /* not all of the root */
}

static int empty_root(void)
{
    struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=755") < 0)
        return -errno;
    int r = show_resolvers();
    if (r < 0)
        return r;
    mount_setattr(AT_FDCWD, STAGE, AT_RECURSIVE, &ro, sizeof(ro)); /* as root it would matter */
    if (chdir(STAGE) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
        return -errno;
    return chdir("/") < 0 ? -errno : 0;
}

static void limit_resources(void)
{
    static const struct rlimit none = {0, 0};
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        /* One a connection; and a container that makes them without end is not to take all of the
         * machine's memory for it. */
        files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
        files.rlim_max = files.rlim_cur;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none);
}

int netns_confine(struct err *err)
{
    int r = own_user_namespace();
    if (r == 0 && (r = empty_root()) < 0)
        return err_errno(err, r, "make an empty root");
    limit_resources();
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "no_new_privs");
    r = syscalls_drop_capabilities(err);
    if (r < 0)
        return r;
    r = syscalls_allow_inet_only();
    if (r == 0)
        r = syscalls_allow_only(allowed, sizeof(allowed) / sizeof(*allowed));
    return r < 0 && r != -ENOSYS ? err_errno(err, r, "restrict system calls") : 0;
}
