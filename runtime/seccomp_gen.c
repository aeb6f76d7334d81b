/* SPDX-License-Identifier: Apache-2.0 */
/* Runs while wherry is built: prints the default seccomp program as a C table. */
#include "runtime/sandbox.h"
#include "runtime/seccomp_profile.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct sock_filter *program;
    size_t len;
    struct err err = {0};
    if (argc != 2)
        return 2;
    if (seccomp_profile_compile(argv[1], sandbox_default_caps(), &program, &len, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("#include <linux/filter.h>\n\n");
    printf("static const struct sock_filter seccomp_default[] = {\n");
    for (size_t i = 0; i < len; i++)
        printf("    {0x%02x, %u, %u, 0x%08x},\n", program[i].code, program[i].jt, program[i].jf,
               program[i].k);
    printf("};\n");
    free(program);
    return 0;
}
