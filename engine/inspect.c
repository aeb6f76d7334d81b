/* SPDX-License-Identifier: Apache-2.0 */
/* `inspect` of a container: config.json is the document, with what the state adds. */
#include "engine/container.h"

#include "base/json.h"
#include "engine/create_sandbox.h"
#include "engine/document.h"
#include "engine/exec.h"
#include "engine/health.h"
#include "engine/inspect_mounts.h"
#include "engine/ports.h"
#include "engine/root.h"
#include "engine/sandbox_network.h"
#include "engine/state.h"

#include <string.h>

/* Go's zero time, which podman prints for "never". */
#define NEVER "0001-01-01T00:00:00Z"

static json_t *state_object(const struct store_container *c, enum container_status status)
{
    struct proc_id init, monitor;
    state_get_process(c->state, "Init", &init);
    state_get_process(c->state, "Monitor", &monitor);
    bool running = CONTAINER_ALIVE & STATUS_BIT(status);
    json_t *s = json_object();
    json_put_string(s, "Status", container_status_name(status));
    json_put(s, "Running", json_boolean(running));
    json_put(s, "Paused", json_boolean(status == CONTAINER_PAUSED));
    json_put(s, "Restarting", json_boolean(status == CONTAINER_RESTARTING));
    json_put(s, "Dead", json_false());
    json_put(s, "Pid", json_integer(running ? init.pid : 0));
    json_put(s, "ConmonPid", json_integer(CONTAINER_UP & STATUS_BIT(status) ? monitor.pid : 0));
    json_put(s, "ExitCode", json_integer(container_exit_code(c)));
    json_put(s, "OOMKilled", json_boolean(json_is_true(json_object_get(c->state, "OOMKilled"))));
    json_put_string(s, "CgroupPath", running ? json_get_string(c->state, "CgroupPath", "") : "");
    json_put_string(s, "Error", json_get_string(c->state, "Error", ""));
    json_put_string(s, "StartedAt", json_get_string(c->state, "StartedAt", NEVER));
    json_put_string(s, "FinishedAt", json_get_string(c->state, "FinishedAt", NEVER));
    json_put(s, "Health", health_read(c));
    return s;
}

static json_t *own_path(const struct store_container *c, const char *name)
{
    return json_sprintf("%s/%s", c->path, name);
}

/* podman's GraphDriver: where the writable layer and the layers below it are. */
static int graph_driver(struct engine *e, const struct store_container *c, json_t **ret,
                        struct err *err)
{
    auto_strv layers = {0}, lower = {0};
    int r = json_want_strv(c->config, "Layers", &layers, err);
    for (size_t i = layers.len; r == 0 && i > 0; i--) {
        auto_done(layer_files) struct layer_files files = {0};
        if (store_layer_files(&e->store, layers.v[i - 1], &files, NULL) == 0)
            strv_add(&lower, files.tar); /* inspect also speaks of a container without its image */
    }
    if (r < 0)
        return r;
    auto_free char *joined = strv_join(&lower, ":");
    *ret = json_pack("{s:s, s:{s:o, s:o, s:o}}", "Name", "overlay-fuse", "Data", "LowerDir",
                     json_from_string(joined), "UpperDir", own_path(c, "upper"), "WorkDir",
                     own_path(c, "work"));
    return 0;
}

int container_inspect(struct engine *e, struct store_container *c, json_t **ret, struct err *err)
{
    auto_strv execs = {0};
    json_t *driver = NULL;
    int r = graph_driver(e, c, &driver, err);
    if (r < 0)
        return r;
    json_t *doc = json_deep_copy(c->config);
    json_object_del(doc, "Layers");
    document_add_defaults(doc);
    json_t *host = json_object_get(doc, "HostConfig");
    if (!json_object_get(host, "OomScoreAdj")) /* which is no default: 0 may be a change */
        json_put(host, "OomScoreAdj", json_integer(0));
    inspect_mounts(e, doc);
    json_put(doc, "State", state_object(c, container_status(c)));
    json_put(doc, "GraphDriver", driver);
    json_put(doc, "Driver", json_string("overlay-fuse"));
    json_put(doc, "ResolvConfPath", own_path(c, "resolv.conf"));
    json_put(doc, "HostnamePath", own_path(c, "hostname"));
    json_put(doc, "HostsPath", own_path(c, "hosts"));
    json_put_string(doc, "StaticDir", c->path);
    sandbox_show(doc);
    json_put(doc, "RestartCount", json_integer(state_get_int(c->state, "RestartCount")));
    exec_ids(e, c, &execs);
    json_put(doc, "ExecIDs", json_from_strv(&execs));
    json_t *network = network_inspect(doc);
    json_put(network, "Ports", ports_inspect(doc));
    json_put(doc, "NetworkSettings", network);
    *ret = doc;
    return 0;
}
