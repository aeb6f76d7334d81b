/* SPDX-License-Identifier: Apache-2.0 */
/* Following a container in the foreground. */
#include "engine/container.h"

#include "base/channel.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/events.h"
#include "engine/log_place.h"
#include "runtime/detach_keys.h"
#include "runtime/monitor.h"

int container_attach(const struct store_container *c, int channel,
                     const struct container_attach_options *o, int *ret_exit_code, struct err *err)
{
    bool tty = json_is_true(json_object_get(json_object_get(c->config, "Config"), "Tty"));
    struct attach_options how = {
        .tty = tty,
        .stdin_open = o->interactive && !log_passes(c), /* it reads ours itself */
        .stdout_open = !o->no_stdout,
        .stderr_open = !o->no_stderr,
        .proxy_signals = o->proxy_signals,
        .detach_keys = o->detach_keys,
        .hold_output = o->hold_output && !tty,
    };
    return attach_run(channel, &how, ret_exit_code, err);
}

static int not_running(struct err *err)
{
    return err_set(err, -ESRCH, "you can only attach to running containers");
}

int container_attach_open(struct engine *e, const struct store_container *c, int *ret_channel,
                          struct err *err)
{
    struct proc_id init;
    if (container_status(c) != CONTAINER_RUNNING)
        return not_running(err);
    if (log_passes(c))
        return err_set(err, -EINVAL,
                       "this container is using the 'passthrough' log driver, cannot attach");
    auto_close int run_dir = open_dir_at(e->store.run_fd, c->id, NULL);
    if (run_dir < 0)
        return err_set(err, -ENOENT,
                       "the run directory of container %s is gone, and with it the way to its "
                       "monitor",
                       c->name);
    auto_close int channel = channel_connect_at(run_dir, "attach", err);
    if (channel == -ENOENT || channel == -ECONNREFUSED)
        return not_running(err);
    if (channel < 0)
        return channel;
    int r = monitor_wait_started(channel, &init, err);
    if (r == 0) {
        event_container(&e->store, c, "attach", -1);
        *ret_channel = take_fd(&channel);
    }
    return r == -EPIPE ? not_running(err) : r; /* it ended before it saw us */
}

int container_check_detach_keys(const char *keys, struct err *err)
{
    struct detach_keys parsed = {0};
    return detach_keys_parse(keys, &parsed, err);
}
