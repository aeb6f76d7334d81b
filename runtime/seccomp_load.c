/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the seccomp policy into the container's init.
 *
 * Should: use the program made at build time unless another was prepared.
 * Mustn't: weaken no_new_privs or the capabilities that others set. */
#include "runtime/seccomp_default.h"
#include "runtime/seccomp_profile.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

int seccomp_profile_load(const struct sock_filter *program, size_t len, struct err *err)
{
    struct sock_fprog prog = {.len = sizeof(seccomp_default) / sizeof(*seccomp_default),
                              .filter = (struct sock_filter *)seccomp_default};
    if (program)
        prog = (struct sock_fprog){.len = (unsigned short)len,
                                   .filter = (struct sock_filter *)program};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
        return err_errno(err, -errno, "load the seccomp policy");
    return 0;
}
