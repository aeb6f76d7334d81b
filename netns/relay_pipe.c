/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes that bytes are spliced through.
 *
 * A few empty ones are kept, as making one costs more than moving what a short connection has to
 * say. The kernel bounds the pages of all pipes of a user (/proc/sys/fs/pipe-user-pages-soft): a
 * pipe beyond it cannot be enlarged and works all the same. */
#include "netns/relay_internal.h"

#include "base/cleanup.h"

#include <fcntl.h>

#define PIPE_SIZE (1024 * 1024)

int relay_pipe_get(struct relay *r, struct relay_pipe *ret)
{
    int ends[2];
    if (r->n_pipes > 0) {
        *ret = r->pipes[--r->n_pipes];
        return 0;
    }
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
    *ret = (struct relay_pipe){.in = ends[1], .out = ends[0]};
    return 0;
}

void relay_pipe_put(struct relay *r, struct relay_pipe *p, bool dirty)
{
    if (p->in >= 0 && !dirty && r->n_pipes < RELAY_PIPES_KEPT) {
        r->pipes[r->n_pipes++] = *p;
        *p = (struct relay_pipe){-1, -1};
    }
    close_fd(&p->in);
    close_fd(&p->out);
}

void relay_pipes_free(struct relay *r)
{
    while (r->n_pipes > 0) {
        struct relay_pipe *p = &r->pipes[--r->n_pipes];
        close(p->in);
        close(p->out);
    }
}
