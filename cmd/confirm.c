/* SPDX-License-Identifier: Apache-2.0 */
/* Asking before something is removed. */
#include "cmd/confirm.h"

#include "base/cleanup.h"

#include <stdio.h>

int confirm(const char *warning, bool *ret, struct err *err)
{
    auto_free char *line = NULL;
    size_t size = 0;
    printf("%s\nAre you sure you want to continue? [y/N] ", warning);
    fflush(stdout);
    if (getline(&line, &size, stdin) < 0) {
        putchar('\n');
        return err_set(err, -EINVAL, "nobody answers: use --force to go on without a question");
    }
    *ret = *line == 'y' || *line == 'Y';
    return 0;
}
