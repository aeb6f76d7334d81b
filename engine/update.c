/* SPDX-License-Identifier: Apache-2.0 */
/* `update`: another restart policy and other limits for a container that is there. */
#include "engine/update.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/document.h"
#include "engine/events.h"
#include "engine/sandbox_resources.h"

#include <string.h>

static int put_policy(const struct store_container *c, json_t *host, json_t *policy,
                      struct err *err)
{
    if (!policy)
        return 0;
    if (json_is_true(json_object_get(host, "AutoRemove")) &&
        strcmp(json_get_string(policy, "Name", "no"), "no") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "container %s is removed when it ends (--rm): it cannot be restarted",
                        c->name);
    json_object_set(host, "RestartPolicy", policy);
    return 0;
}

/* A cgroup that was not made at the start cannot be had later: its processes would have to be moved
 * one by one while they make others. */
static int apply(struct engine *e, const struct store_container *c, const json_t *host,
                 struct err *err)
{
    auto_strv settings = {0}, missing = {0};
    auto_done(cgroup) struct cgroup cg = {0};
    const char *dir = resources_cgroup(c);
    int r = resources_settings(host, true, &settings, err);
    if (r < 0 || settings.len == 0 || !container_has_processes(c))
        return r;
    if (!dir) {
        auto_free char *text = xasprintf(
            "container %s was started without a cgroup: its limits hold from its next start on",
            c->name);
        engine_warn(e, text);
        return 0;
    }
    r = cgroup_open(dir, &cg, err);
    if (r == 0)
        r = cgroup_apply(cg.fd, &settings, &missing, err);
    if (r < 0)
        return r;
    auto_free char *text = resources_warning(&missing, &cg);
    engine_warn(e, text);
    return 0;
}

int container_update(struct engine *e, struct store_container *c, const struct update *u,
                     struct err *err)
{
    auto_close int lock = store_container_lock(c, err);
    if (lock < 0)
        return lock;
    int r = store_container_reload(c, err); /* another may have had the lock before */
    if (r < 0)
        return r;
    auto_json json_t *config = NULL;
    if ((r = json_read_at(c->fd, "config.json", &config, err)) < 0)
        return r;
    if (!json_object_get(config, "HostConfig"))
        json_put(config, "HostConfig", json_object());
    json_t *host = json_object_get(config, "HostConfig");
    r = put_policy(c, host, u->policy, err);
    auto_json json_t *before = json_deep_copy(host);
    if (r == 0)
        r = create_resources(u->resources, host, err);
    if (r == 0 && !json_equal(before, host))
        r = apply(e, c, host, err);
    if (r < 0)
        return r;
    document_leave_out_defaults(config);
    r = store_container_set_config(c, config, err);
    if (r == 0)
        event_container(&e->store, c, "update", -1);
    return r;
}
