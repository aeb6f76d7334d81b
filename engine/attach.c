/* SPDX-License-Identifier: Apache-2.0 */
/* Following a started container in the foreground. */
#include "engine/container.h"

#include "base/json.h"
#include "runtime/detach_keys.h"
#include "runtime/monitor.h"

int container_attach(const struct store_container *c, int channel,
                     const struct container_attach_options *o, int *ret_exit_code, struct err *err)
{
    bool tty = json_is_true(json_object_get(json_object_get(c->config, "Config"), "Tty"));
    struct attach_options how = {
        .tty = tty,
        .stdin_open = o->interactive,
        .stdout_open = true,
        .stderr_open = true,
        .proxy_signals = o->proxy_signals,
        .detach_keys = o->detach_keys,
        .hold_output = !tty,
    };
    return attach_run(channel, &how, ret_exit_code, err);
}

int container_check_detach_keys(const char *keys, struct err *err)
{
    struct detach_keys parsed = {0};
    return detach_keys_parse(keys, &parsed, err);
}
