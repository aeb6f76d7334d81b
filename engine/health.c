/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a container's health, and asking for a check. */
#include "engine/health.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/file.h"
#include "base/json.h"
#include "spec/health.h"

#include <string.h>

bool health_is_checked(const struct store_container *c)
{
    auto_done(health_check) struct health_check h = {0};
    auto_strv command = {0};
    const json_t *check = json_object_get(json_object_get(c->config, "Config"), "Healthcheck");
    return check && health_check_parse(check, &h, NULL) == 0 &&
           health_test_command(&h.test, &command) == 0;
}

json_t *health_read(const struct store_container *c)
{
    json_t *health = NULL;
    if (health_is_checked(c) &&
        (json_read_at(c->fd, "health.json", &health, NULL) < 0 || !json_is_object(health))) {
        json_decref(health);
        return json_pack("{s:s, s:i, s:[]}", "Status", "starting", "FailingStreak", 0, "Log");
    }
    return health ? health : json_pack("{s:s, s:i, s:n}", "Status", "", "FailingStreak", 0, "Log");
}

char *health_status(const struct store_container *c)
{
    auto_json json_t *health = health_read(c);
    return xstrdup(json_get_string(health, "Status", ""));
}

/* Other messages, such as the container's output, are not for us. */
static int wait_checked(int channel, const char *name, enum check_health *ret, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct err no = {0};
    int r, health;
    while ((r = channel_recv(channel, msg)) > 0) {
        channel_msg_done(msg);
        if (msg->type == MON_CHECKED && msg->len == sizeof(health)) {
            memcpy(&health, msg->data, sizeof(health));
            *ret = health;
            return 0;
        }
        if (msg->type == MON_DONE && msg->len == sizeof(no)) {
            memcpy(&no, msg->data, sizeof(no));
            return err_set(err, no.code < 0 ? no.code : -EIO, "container %s: %s", name, no.message);
        }
    }
    return err_set(err, r < 0 ? r : -ESRCH, "container %s ended during the check", name);
}

int health_ask(struct engine *e, struct store_container *c, enum check_health *ret, struct err *err)
{
    if (!health_is_checked(c))
        return err_set(err, -ENOENT, "container %s has no defined healthcheck", c->id);
    if (container_status(c) != CONTAINER_RUNNING)
        return err_set(err, -ESRCH, "container %s is not running", c->id);
    auto_close int run_dir = open_dir_at(e->store.run_fd, c->id, NULL);
    auto_close int channel = run_dir < 0 ? run_dir : channel_connect_at(run_dir, "attach", err);
    if (channel < 0)
        return err_set(err, channel, "container %s: the way to its monitor is gone", c->name);
    int r = channel_send(channel, MON_CHECK, NULL, 0, NULL, 0);
    if (r < 0)
        return err_errno(err, r, "container %s: its monitor", c->name);
    return wait_checked(channel, c->name, ret, err);
}
