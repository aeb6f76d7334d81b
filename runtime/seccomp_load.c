/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the seccomp policy into the container's init.
 *
 * Should: use the program made at build time whenever the capabilities are its own.
 * Mustn't: weaken no_new_privs or the capabilities that others set. */
#include "runtime/sandbox.h"
#include "runtime/seccomp_default.h"
#include "runtime/seccomp_profile.h"

#include "base/cleanup.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

int seccomp_profile_load(uint64_t caps, struct err *err)
{
    struct sock_fprog prog = {.len = sizeof(seccomp_default) / sizeof(*seccomp_default),
                              .filter = (struct sock_filter *)seccomp_default};
    auto_free struct sock_filter *compiled = NULL;
    if (!seccomp_profile_same(caps, sandbox_default_caps())) {
        struct utsname un;
        size_t len;
        uname(&un);
        int r = seccomp_profile_compile(un.machine, caps, &compiled, &len, err);
        if (r < 0)
            return r;
        prog = (struct sock_fprog){.len = (unsigned short)len, .filter = compiled};
    }
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
        return err_errno(err, -errno, "load the seccomp policy");
    return 0;
}
