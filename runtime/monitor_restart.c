/* SPDX-License-Identifier: Apache-2.0 */
/* Between two lives of a container that a restart policy starts again.
 *
 * Clients that connect meanwhile wait in the socket's queue until it runs again. */
#include "runtime/monitor_internal.h"

#include <poll.h>

bool monitor_rests(struct monitor *m)
{
    monitor_take_signals(m); /* the word that the user ends it comes before the end */
    if (m->end_wanted || !m->o->ops.again)
        return false;
    m->pause = m->o->ops.again(m->o->ops.ctx, m->exit_code);
    return m->pause >= 0;
}

bool monitor_rest(struct monitor *m)
{
    int64_t end = clock_ms() + m->pause;
    for (int64_t left; !m->end_wanted && (left = end - clock_ms()) > 0;) {
        struct pollfd p = {.fd = m->signals, .events = POLLIN};
        if (poll(&p, 1, (int)left) > 0)
            monitor_take_signals(m);
    }
    return !m->end_wanted;
}
