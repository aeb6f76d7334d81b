/* SPDX-License-Identifier: Apache-2.0 */
/* Questions at the terminal. */
#include "cmd/prompt.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_LIMIT 4096

/* A byte at a time: what follows the line is somebody else's. */
static int read_line(char **ret, struct err *err)
{
    auto_buf line = {0};
    for (;;) {
        char c;
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n < 0)
            return err_errno(err, -errno, "standard input");
        if (n == 0 && line.len == 0)
            return err_set(err, -ENODATA, "standard input ended before there was an answer");
        if (n == 0 || c == '\n')
            break;
        if (line.len >= LINE_LIMIT)
            return err_set(err, -E2BIG, "the line is too long");
        buf_add_char(&line, c);
    }
    if (line.len && line.data[line.len - 1] == '\r')
        buf_truncate(&line, line.len - 1);
    *ret = xstrdup(buf_str(&line));
    if (line.data)
        explicit_bzero(line.data, line.cap);
    return 0;
}

int prompt_line(const char *question, char **ret, struct err *err)
{
    fputs(question, stderr);
    return read_line(ret, err);
}

static void on_signal(int sig)
{
}

/* A signal interrupts the reading, so that the terminal gets its echo back before it takes
 * effect. */
int prompt_secret(const char *question, char **ret, struct err *err)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    struct termios before, silent;
    struct sigaction interrupt = {.sa_handler = on_signal}, old[5];
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return err_set(err, -ENOTTY,
                       "the password cannot be asked for, as standard input is no terminal: use "
                       "--password-stdin");
    for (size_t i = 0; i < 5; i++)
        sigaction(signals[i], &interrupt, &old[i]);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    fputs(question, stderr); /* who sees it may answer at once */
    int r = read_line(ret, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    for (size_t i = 0; i < 5; i++)
        sigaction(signals[i], &old[i], NULL);
    return r == -EINTR ? err_set(err, r, "interrupted") : r;
}

void prompt_forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}
