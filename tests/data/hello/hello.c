/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest image's only program: linked statically, it needs nothing of a root file system. */
#include <stdio.h>

int main(void)
{
    puts("Hello from a container with nothing in it but this program.");
    return 0;
}
