/* SPDX-License-Identifier: Apache-2.0 */
/* What a command gets of the descriptors of who starts it. */
#include "engine/handover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_in(const struct handover *h, int fd)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->fds[i] == fd)
            return true;
    return false;
}

static int add(struct handover *h, const char *flag, int64_t fd, struct err *err)
{
    if (fd >= 3 && fd <= INT32_MAX && is_in(h, (int)fd))
        return 0;
    int flags = fd < 3 || fd > INT32_MAX ? -1 : fcntl((int)fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC))
        return err_kind(err, ERR_USAGE, -EBADF, "%s: file descriptor %lld is not open", flag,
                        (long long)fd);
    if (h->n == HANDOVER_MAX)
        return err_kind(err, ERR_USAGE, -EMFILE, "%s: at most %d descriptors can be handed on",
                        flag, HANDOVER_MAX);
    h->fds[h->n++] = (int)fd;
    return 0;
}

static bool parse_number(const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    *ret = n;
    return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

/* sd_listen_fds(3): they are for the process that LISTEN_PID names. */
static int add_listening(struct handover *h, struct err *err)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int64_t meant, n;
    int r = 0;
    if (!pid || !count || !parse_number(pid, &meant) || meant != getpid())
        return 0;
    if (!parse_number(count, &n) || n > HANDOVER_MAX)
        return err_kind(err, ERR_USAGE, -EINVAL, "LISTEN_FDS=%.20s is no number of descriptors",
                        count);
    for (int64_t i = 0; i < n && r == 0; i++)
        r = add(h, "LISTEN_FDS", 3 + i, err);
    h->listening = (int)n;
    return r;
}

int handover_collect(int64_t count, const struct strv *listed, bool listen, struct handover *ret,
                     struct err *err)
{
    struct handover h = {0};
    int r = listen ? add_listening(&h, err) : 0;
    for (int64_t i = 0; i < count && r == 0; i++)
        r = add(&h, "--preserve-fds", 3 + h.listening + i, err);
    for (size_t i = 0; listed && i < listed->len && r == 0; i++) {
        int64_t fd;
        r = parse_number(listed->v[i], &fd)
                ? add(&h, "--preserve-fd", fd, err)
                : err_kind(err, ERR_USAGE, -EINVAL,
                           "--preserve-fd: \"%s\" is no number of a file descriptor", listed->v[i]);
    }
    if (r < 0)
        return r;
    *ret = h;
    return 0;
}

void handover_keep(const struct handover *h)
{
    for (size_t i = 0; i < h->n; i++)
        fcntl(h->fds[i], F_SETFD, FD_CLOEXEC);
}

void handover_done(struct handover *h)
{
    for (size_t i = 0; i < h->n; i++)
        close(h->fds[i]);
    *h = (struct handover){0};
}
