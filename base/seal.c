/* SPDX-License-Identifier: Apache-2.0 */
/* Running as a copy of our own program that nobody can write to. */
#include "base/seal.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

/* Who owns a file may change its mode, so that counts too. */
static bool writable_for_us(const char *path, const struct stat *st)
{
    return st->st_uid == geteuid() || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static int copy_sealed(int program, off_t size, int *ret_fd)
{
    auto_close int copy = memfd_create("wherry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0)
        return -errno;
    for (off_t done = 0; done < size;) {
        ssize_t n = sendfile(copy, program, &done, (size_t)(size - done));
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
    }
    if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    *ret_fd = take_fd(&copy);
    return 0;
}

int seal_program(char *const *argv, struct err *err)
{
    static const char self[] = "/proc/self/exe";
    struct stat st;
    auto_close int program = open(self, O_RDONLY | O_CLOEXEC), copy = -1;
    if (program < 0 || fstat(program, &st) < 0)
        return err_errno(err, -errno, "%s", self);
    int seals = fcntl(program, F_GET_SEALS);
    if (seals >= 0 && (seals & SEALS) == SEALS) {
        prctl(PR_SET_NAME, "wherry"); /* not the number of the descriptor it was executed from */
        return 0;
    }
    if (!writable_for_us(self, &st))
        return 0;
    int r = copy_sealed(program, st.st_size, &copy);
    if (r == 0) {
        fexecve(copy, argv, environ);
        r = -errno;
    }
    return err_errno(err, r,
                     "make a copy of wherry that the container cannot write to (needed as the "
                     "program belongs to you)");
}
