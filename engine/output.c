/* SPDX-License-Identifier: Apache-2.0 */
/* Where a stream goes that the user named. */
#include "engine/output.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beside the file, and in its place once it is whole. */
static int write_file(const char *path, int (*fn)(void *arg, int fd, struct err *err), void *arg,
                      struct err *err)
{
    auto_free char *temporary = xasprintf("%s.wherry-%d", path, (int)getpid());
    auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, -errno, "create %s", path);
    int r = fn(arg, fd, err);
    if (r == 0 && rename(temporary, path) < 0)
        r = err_errno(err, -errno, "create %s", path);
    if (r < 0)
        unlink(temporary);
    return r;
}

int output_write(const char *path, int (*fn)(void *arg, int fd, struct err *err), void *arg,
                 struct err *err)
{
    struct stat st;
    if (path && (stat(path, &st) < 0 || S_ISREG(st.st_mode)))
        return write_file(path, fn, arg, err);
    auto_close int fd =
        path ? open(path, O_WRONLY | O_CLOEXEC) : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? err_errno(err, -errno, "open %s", path ? path : "standard output")
                  : fn(arg, fd, err);
}
