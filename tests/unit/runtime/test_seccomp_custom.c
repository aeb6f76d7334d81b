/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of users' profiles, and the cache of compiled ones. */
#include "base/alloc.h"
#include "base/file.h"
#include "runtime/sandbox.h"
#include "runtime/seccomp_custom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char place[] = "/tmp/test-seccomp-XXXXXX";

static const char profile[] =
    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
    "{\"names\":[\"getpgid\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":71},"
    "{\"names\":[\"getpriority\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":72,\"args\":["
    "{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},"
    "{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]},"
    "{\"names\":[\"getsid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":73,\"args\":["
    "{\"index\":0,\"value\":255,\"valueTwo\":4,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}";

static int errno_of(long nr, long arg)
{
    errno = 0;
    return syscall(nr, arg, 0) < 0 ? errno : 0;
}

/* Exit status 0: the kernel does what the profile says. */
static _Noreturn void under_profile(const struct sock_filter *program, size_t len)
{
    struct sock_fprog prog = {.len = (unsigned short)len, .filter = (struct sock_filter *)program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
        _exit(1);
    if (errno_of(SYS_getpgid, 0) != 71)
        _exit(2);
    /* Two conditions on one argument: either is enough. */
    if (errno_of(SYS_getpriority, 1) != 72 || errno_of(SYS_getpriority, 2) != 72 ||
        errno_of(SYS_getpriority, 0) != 0)
        _exit(3);
    if (errno_of(SYS_getsid, 0x104) != 73 || errno_of(SYS_getsid, 0) != 0)
        _exit(4);
    _exit(0);
}

static void a_profile_is_obeyed(void **state)
{
    struct sock_filter *program;
    size_t len;
    struct err err = {0};
    if (seccomp_custom_compile(profile, 0, &program, &len, &err) < 0)
        fail_msg("%s", err.message);
    pid_t pid = fork();
    if (pid == 0)
        under_profile(program, len);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    free(program);
    assert_int_equal(seccomp_custom_compile("{}", 0, &program, &len, &err), -EINVAL);
    assert_non_null(strstr(err.message, "seccomp profile: defaultAction is missing"));
    static const char bad_arch[] =
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_NONE\"]}";
    assert_int_equal(seccomp_custom_compile(bad_arch, 0, &program, &len, &err), -EINVAL);
}

static size_t files(int dir)
{
    auto_strv names = {0};
    assert_int_equal(list_dir_at(dir, ".", &names, NULL), 0);
    return names.len;
}

static char *only_file(int dir)
{
    auto_strv names = {0};
    assert_int_equal(list_dir_at(dir, ".", &names, NULL), 0);
    assert_int_equal(names.len, 1);
    return xstrdup(names.v[0]);
}

static void get(int dir, uint64_t caps, struct buf *ret)
{
    struct sock_filter *program = NULL;
    size_t len = 0;
    struct err err = {0};
    if (seccomp_custom_program(dir, profile, caps, &program, &len, &err) < 0)
        fail_msg("%s", err.message);
    buf_truncate(ret, 0);
    buf_add(ret, program, len * sizeof(*program));
    free(program);
}

/* A file with these bytes is not taken, and a good one stands in its place afterwards. */
static void replaced_by_good(int dir, const char *name, const char *bytes, size_t len,
                             const struct buf *want)
{
    struct stat before, after;
    auto_buf got = {0};
    assert_int_equal(file_write_at(dir, name, bytes, len, 0600, 0, NULL), 0);
    assert_int_equal(fstatat(dir, name, &before, 0), 0);
    get(dir, 1, &got);
    assert_int_equal(got.len, want->len);
    assert_memory_equal(got.data, want->data, want->len);
    assert_int_equal(fstatat(dir, name, &after, 0), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
}

static void the_cache_is_checked(void **state)
{
    auto_buf first = {0}, again = {0}, bytes = {0};
    auto_close int dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    get(dir, 1, &first);
    auto_free char *name = only_file(dir);
    struct stat before, after;
    assert_int_equal(fstatat(dir, name, &before, 0), 0);
    assert_int_equal(before.st_mode & 0777, 0600);
    get(dir, 1, &again);
    assert_int_equal(first.len, again.len);
    assert_memory_equal(first.data, again.data, first.len);
    assert_int_equal(fstatat(dir, name, &after, 0), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* it was used, not written again */

    /* Damaged anywhere, cut off, or writable by others: made again. */
    assert_int_equal(file_read_at(dir, name, 1 << 20, &bytes, NULL), 0);
    for (size_t k = 0; k < 9; k++) {
        size_t at = k * (bytes.len - 1) / 8;
        bytes.data[at] ^= 1;
        replaced_by_good(dir, name, bytes.data, bytes.len, &first);
        bytes.data[at] ^= 1;
        replaced_by_good(dir, name, bytes.data, at, &first);
    }
    assert_int_equal(fchmodat(dir, name, 0622, 0), 0);
    get(dir, 1, &again);
    assert_int_equal(fstatat(dir, name, &after, 0), 0);
    assert_int_equal(after.st_mode & 0777, 0600);
    /* A link to it is not followed. */
    assert_int_equal(renameat(dir, name, dir, "moved"), 0);
    assert_int_equal(symlinkat("moved", dir, name), 0);
    get(dir, 1, &again);
    assert_int_equal(fstatat(dir, name, &after, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(after.st_mode));

    /* Other capabilities are another program's. */
    get(dir, 2, &again);
    assert_int_equal(files(dir), 3);
    /* No cache at all. */
    get(-1, 1, &again);
    assert_int_equal(first.len, again.len);
}

static int make_place(void **state)
{
    return mkdtemp(place) ? 0 : -1;
}

static int remove_place(void **state)
{
    return remove_tree_at(AT_FDCWD, place, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_obeyed),
        cmocka_unit_test(the_cache_is_checked),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
