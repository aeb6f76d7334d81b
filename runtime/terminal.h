/* SPDX-License-Identifier: Apache-2.0 */
/* The user's own terminal while it is attached to a container's. */
#pragma once

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

struct terminal {
    int fd; /* -1: not raw */
    struct termios before;
};

/* Raw mode, when fd is a terminal. */
void terminal_raw(struct terminal *t, int fd);
/* Back to what it was; harmless when it never was raw. */
void terminal_restore(struct terminal *t);
/* The size of the first of stdin, stdout, stderr that is a terminal. */
bool terminal_size(struct winsize *ret);
