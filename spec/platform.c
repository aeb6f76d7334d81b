/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's names in OCI terms, which are Go's. */
#include "spec/image.h"

#include <string.h>
#include <sys/utsname.h>

static const struct {
    const char *machine; /* uname -m */
    const char *architecture;
} names[] = {
    {"x86_64", "amd64"},    {"aarch64", "arm64"},   {"armv7l", "arm"},
    {"armv6l", "arm"},      {"armv8l", "arm"},      {"i686", "386"},
    {"i586", "386"},        {"i486", "386"},        {"i386", "386"},
    {"ppc64le", "ppc64le"}, {"ppc64", "ppc64"},     {"s390x", "s390x"},
    {"riscv64", "riscv64"}, {"mips64", "mips64le"}, {"loongarch64", "loong64"},
};

const char *platform_architecture(void)
{
    struct utsname u;
    if (uname(&u) == 0)
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (strcmp(u.machine, names[i].machine) == 0)
                return names[i].architecture;
    return "unknown";
}
