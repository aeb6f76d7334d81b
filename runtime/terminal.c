/* SPDX-License-Identifier: Apache-2.0 */
/* The user's own terminal. */
#include "runtime/terminal.h"

#include <unistd.h>

void terminal_raw(struct terminal *t, int fd)
{
    t->fd = -1;
    if (tcgetattr(fd, &t->before) < 0)
        return;
    struct termios raw = t->before;
    cfmakeraw(&raw);
    if (tcsetattr(fd, TCSADRAIN, &raw) == 0)
        t->fd = fd;
}

void terminal_restore(struct terminal *t)
{
    /* TCSADRAIN, not FLUSH: what was typed ahead is for the shell that comes next. */
    if (t->fd >= 0)
        tcsetattr(t->fd, TCSADRAIN, &t->before);
    t->fd = -1;
}

bool terminal_size(struct winsize *ret)
{
    for (int fd = 0; fd < 3; fd++)
        if (ioctl(fd, TIOCGWINSZ, ret) == 0)
            return true;
    return false;
}
