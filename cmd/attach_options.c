/* SPDX-License-Identifier: Apache-2.0 */
/* Following a container in the foreground. */
#include "cmd/attach_options.h"

#include "base/cleanup.h"
#include "engine/container.h"

int attach_foreground(struct invocation *in, const struct store_container *c, int channel,
                      bool interactive, bool proxy_signals, const char *detach_keys,
                      struct err *err)
{
    auto_close int owned = channel;
    struct container_attach_options o = {
        .interactive = interactive, .proxy_signals = proxy_signals, .detach_keys = detach_keys};
    int code = 0;
    int r = container_attach(c, owned, &o, &code, err);
    if (r == 0 && code >= 0)
        in->exit_status = code;
    return r;
}
