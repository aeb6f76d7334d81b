/* SPDX-License-Identifier: Apache-2.0 */
/* Following a container in the foreground. */
#include "cmd/attach_options.h"

#include "base/json.h"
#include "runtime/monitor.h"

#include <unistd.h>

int attach_foreground(struct invocation *in, const struct store_container *c, int channel,
                      bool interactive, bool proxy_signals, const char *detach_keys,
                      struct err *err)
{
    auto_close int owned = channel;
    bool tty = json_is_true(json_object_get(json_object_get(c->config, "Config"), "Tty"));
    struct attach_options o = {
        .tty = tty,
        .stdin_open = interactive,
        .stdout_open = true,
        .stderr_open = true,
        .proxy_signals = proxy_signals,
        .detach_keys = detach_keys,
        .hold_output = !tty,
    };
    int code = 0;
    int r = attach_run(owned, &o, &code, err);
    if (r == 0 && code >= 0)
        in->exit_status = code;
    return r;
}
