/* SPDX-License-Identifier: Apache-2.0 */
/* `pause` and `unpause`: the monitor does it and records it, so it outlives who asked. */
#include "engine/life.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/events.h"
#include "runtime/monitor.h"

#include <string.h>

/* Other messages, such as the container's output, are not for us. */
static int wait_done(int channel, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct err answer = {.code = -EIO};
    int r;
    while ((r = channel_recv(channel, msg)) > 0) {
        channel_msg_done(msg);
        if (msg->type == MON_DONE && msg->len == sizeof(answer)) {
            memcpy(&answer, msg->data, sizeof(answer));
            if (answer.code < 0 && err)
                *err = answer;
            return answer.code;
        }
    }
    return err_set(err, r < 0 ? r : -ESRCH, "the container ended");
}

int container_pause(struct engine *e, struct store_container *c, bool pause, struct err *err)
{
    int r = store_container_reload(c, err);
    enum container_status status = container_status(c),
                          needed = pause ? CONTAINER_RUNNING : CONTAINER_PAUSED;
    if (r < 0)
        return r;
    if (status != needed)
        return err_set(err, -EINVAL, "\"%s\" is not %s, can't %s: container state improper",
                       container_status_name(status), container_status_name(needed),
                       pause ? "pause" : "unpause");
    auto_close int run_dir = open_dir_at(e->store.run_fd, c->id, NULL);
    auto_close int channel = run_dir < 0 ? run_dir : channel_connect_at(run_dir, "attach", err);
    if (channel < 0)
        return err_set(err, channel, "container %s: the way to its monitor is gone", c->name);
    r = channel_send(channel, pause ? MON_PAUSE : MON_UNPAUSE, NULL, 0, NULL, 0);
    if (r < 0)
        return err_errno(err, r, "container %s: its monitor", c->name);
    r = wait_done(channel, err);
    if (r == 0)
        event_container(&e->store, c, pause ? "pause" : "unpause", -1);
    return r;
}
