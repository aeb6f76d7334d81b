/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities of the container's command.
 *
 * Should: leave exactly the kept set in bounding, permitted and effective.
 * Mustn't: leave anything inheritable or ambient but what the user asked for by name. */
#include "runtime/caps.h"

#include "runtime/sandbox.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(cap) (UINT64_C(1) << (cap))

uint64_t sandbox_default_caps(void)
{
    return BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
           BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) |
           BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SYS_CHROOT);
}

int caps_drop_bounding(uint64_t keep, struct err *err)
{
    /* The kernel may know more capabilities than our headers: it says EINVAL after its last. */
    for (int cap = 0; cap < 64; cap++) {
        int has = prctl(PR_CAPBSET_READ, cap);
        if (has < 0)
            break;
        if (has && !(keep & BIT(cap)) && prctl(PR_CAPBSET_DROP, cap) < 0)
            return err_errno(err, -errno, "drop capability %d", cap);
    }
    return 0;
}

int caps_set(uint64_t keep, struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capget, &head, data) < 0)
        return err_errno(err, -errno, "read capabilities");
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(keep >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return err_errno(err, -errno, "clear ambient capabilities");
    if (syscall(SYS_capset, &head, data) < 0)
        return err_errno(err, -errno, "set capabilities");
    return 0;
}

int caps_set_ambient(uint64_t set, struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capget, &head, data) < 0)
        return err_errno(err, -errno, "read capabilities");
    for (int i = 0; i < 2; i++)
        data[i].inheritable = data[i].permitted & (uint32_t)(set >> (32 * i));
    if (syscall(SYS_capset, &head, data) < 0)
        return err_errno(err, -errno, "set capabilities");
    for (unsigned cap = 0; cap < 64; cap++)
        if (data[cap / 32].inheritable & 1u << cap % 32 &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return err_errno(err, -errno, "make capability %u ambient", cap);
    return 0;
}
