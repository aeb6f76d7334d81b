/* SPDX-License-Identifier: Apache-2.0 */
/* `start`: from config.json to a running container.
 *
 * Theory of operation. The client builds the sandbox from config.json and forks the monitor, which
 * inherits a copy of all of it; the operations below run in the monitor. `started` writes
 * state.json before the client hears of the start, and `exited` writes it after everything of the
 * container is gone, so whoever saw a container start or end finds the state true. */
#include "engine/container.h"
#include "engine/events.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/when.h"
#include "engine/dependencies.h"
#include "engine/handover.h"
#include "engine/health.h"
#include "engine/log_place.h"
#include "engine/prepare.h"
#include "engine/restart_policy.h"
#include "engine/sandbox_mounts.h"
#include "engine/sandbox_namespaces.h"
#include "engine/sandbox_network.h"
#include "engine/sandbox_ports.h"
#include "engine/sandbox_resources.h"
#include "engine/state.h"
#include "engine/volume.h"
#include "engine/volume_copyup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What the monitor's operations work on; the root comes first (engine/root.h). */
struct start {
    struct root *root;
    struct store *store;
    struct store_container *container;
    bool auto_remove;
    bool once; /* it got descriptors, which nobody has any more */
    char started_at[36];
    int64_t began; /* ms, monotonic */
    struct restart_history restarts;
    struct health *health; /* NULL: there is no check */
    const struct cgroup *cgroup;
    uint64_t oom_kills; /* of its cgroup, that were told */
};

/* --pidfile and --conmon-pidfile. */
static int write_pid(const struct store_container *c, const char *key, pid_t pid, struct err *err)
{
    const char *path = json_get_string(c->config, key, "");
    auto_free char *text = *path ? xasprintf("%d", (int)pid) : NULL;
    return text ? file_write_at(AT_FDCWD, path, text, strlen(text), 0644, 0, err) : 0;
}

static void put_cgroup(const struct start *s, json_t *state)
{
    if (!s->cgroup->dir)
        return;
    json_put_string(state, "CgroupDir", s->cgroup->dir);
    json_put_string(state, "CgroupPath", s->cgroup->path);
}

static int on_started(void *ctx, const struct proc_id *init, struct err *err)
{
    struct start *s = ctx;
    struct proc_id self;
    int r = proc_identify(getpid(), &self, err);
    if (r < 0)
        return r;
    r = write_pid(s->container, "PidFile", init->pid, err);
    if (r == 0)
        r = write_pid(s->container, "ConmonPidFile", self.pid, err);
    if (r < 0)
        return r;
    time_format(time_now(), s->started_at);
    s->began = when_monotonic_ms();
    auto_json json_t *state =
        json_pack("{s:s, s:o, s:o, s:s, s:i, s:I}", "Status", "running", "Init",
                  state_process(init), "Monitor", state_process(&self), "StartedAt", s->started_at,
                  "ExitCode", 0, "RestartCount", (json_int_t)s->restarts.count);
    if (s->health)
        health_started(s->health);
    put_cgroup(s, state);
    r = store_container_set_state(s->container, state, err);
    if (r == 0)
        event_container(s->store, s->container, "start", -1);
    return r;
}

/* Whether the kernel killed something in this life for want of memory. */
static void put_oom(struct start *s, json_t *state)
{
    uint64_t kills;
    json_object_del(state, "OOMKilled");
    if (!s->cgroup->dir || !cgroup_keyed(s->cgroup->fd, "memory.events", "oom_kill", &kills) ||
        kills <= s->oom_kills)
        return;
    s->oom_kills = kills;
    json_put(state, "OOMKilled", json_true());
    event_container(s->store, s->container, "oom", -1);
}

static int on_paused(void *ctx, bool stopped, struct err *err)
{
    struct start *s = ctx;
    auto_json json_t *state = json_deep_copy(s->container->state);
    json_put_string(state, "Status", stopped ? "paused" : "running");
    return store_container_set_state(s->container, state, err);
}

static void on_net_lost(void *ctx)
{
    struct start *s = ctx;
    auto_json json_t *state = json_deep_copy(s->container->state);
    json_put_string(state, "Error",
                    "the network helper ended: restart the container to have its network again");
    store_container_set_state(s->container, state, NULL);
}

/* The policy is read anew: `update` may have changed it. */
static int64_t on_again(void *ctx, int exit_code)
{
    struct start *s = ctx;
    auto_json json_t *config = NULL;
    char now[36];
    if (s->once || json_read_at(s->container->fd, "config.json", &config, NULL) < 0)
        return -1;
    const json_t *policy = json_object_get(json_object_get(config, "HostConfig"), "RestartPolicy");
    auto_json json_t *always = json_pack("{s:s}", "Name", "always");
    if (s->health && health_restarts(s->health)) /* whatever the policy is */
        policy = always;
    int64_t delay =
        restart_policy_next(policy, exit_code, when_monotonic_ms() - s->began, &s->restarts);
    if (delay < 0)
        return -1;
    auto_json json_t *state = json_deep_copy(s->container->state);
    json_put_string(state, "Status", "restarting");
    json_put(state, "ExitCode", json_integer(exit_code));
    json_put_string(state, "FinishedAt", time_format(time_now(), now));
    json_object_del(state, "Init");
    store_container_refresh_name(s->store, s->container);
    put_oom(s, state);
    event_container(s->store, s->container, "died", exit_code); /* as in on_exited() */
    store_container_set_state(s->container, state, NULL);
    return delay;
}

static pid_t on_check(void *ctx, int *ret_fd, int64_t *ret_limit, struct err *err)
{
    return health_check_start(((struct start *)ctx)->health, ret_fd, ret_limit, err);
}

static void on_checked(void *ctx, const char *found, size_t len, struct check_verdict *ret)
{
    health_checked(((struct start *)ctx)->health, found, len, ret);
}

static int failure_code(const struct err *failure)
{
    return failure->kind == ERR_NO_COMMAND ? 127 : failure->kind == ERR_NOT_EXEC ? 126 : 125;
}

static void on_exited(void *ctx, int exit_code, const struct err *failure)
{
    struct start *s = ctx;
    char now[36];
    auto_json json_t *state = json_object();
    /* One that never ran is still "created", as in podman, with the reason beside it. */
    json_put_string(state, "Status", failure && !*s->started_at ? "created" : "exited");
    json_put(state, "RestartCount", json_integer(s->restarts.count));
    json_put(state, "ExitCode", json_integer(failure ? failure_code(failure) : exit_code));
    json_put_string(state, "FinishedAt", time_format(time_now(), now));
    if (*s->started_at)
        json_put_string(state, "StartedAt", s->started_at);
    if (failure)
        json_put_string(state, "Error", failure->message);
    put_oom(s, state);
    if (s->cgroup->dir)
        cgroup_remove(s->cgroup->dir, NULL);
    store_container_remove_part(s->store, s->container, SCRATCH_DIR, NULL);
    /* Before others can see that it has ended, and start it again with a directory of its own. */
    store_container_remove_run_dir(s->store, s->container->id, NULL);
    /* Before others can see it and tell what they did after it ("stop"). */
    store_container_refresh_name(s->store, s->container);
    if (*s->started_at)
        event_container(s->store, s->container, "died", exit_code);
    if (*s->started_at && !s->auto_remove)
        event_container(s->store, s->container, "cleanup", -1);
    store_container_set_state(s->container, state, NULL);
    if (s->auto_remove && store_container_remove(s->store, s->container, NULL) == 0) {
        dependencies_withdraw(s->store, s->container->config);
        event_container(s->store, s->container, "remove", -1);
        volumes_remove_anonymous(s->store, s->container->config);
    }
}

/* --- starting ------------------------------------------------------------------------------ */

static int start_monitor(struct start *s, const struct sandbox *sandbox, int lock, int *ret_channel,
                         struct err *err)
{
    struct store_container *c = s->container;
    auto_close int run_dir = store_container_run_dir(s->store, c->id, err);
    if (run_dir < 0)
        return run_dir;
    auto_done(log_place) struct log_place log = {0};
    int r = log_place_open(c, &log, err);
    if (r < 0)
        return r;
    struct monitor_options o = {
        .sandbox = sandbox,
        .ops = {.ctx = s,
                .started = on_started,
                .paused = on_paused,
                .net_lost = on_net_lost,
                .again = on_again,
                .exited = on_exited},
        .time_limit = 1000 * json_integer_value(
                                 json_object_get(json_object_get(c->config, "Config"), "Timeout")),
        .run_dir_fd = run_dir,
        .root_is_dropped = s->auto_remove,
        .log = {.dir_fd = log.dir_fd, .name = log.name, .json = log.json, .max = log.max, .fd = -1},
        .forget = &lock, /* the life-cycle lock ends with us, not with the container */
        .n_forget = 1,
    };
    root_monitor_ops(&o.ops);
    s->health = health_open(s->store, s->container);
    if (s->health) {
        o.ops.check = on_check;
        o.ops.checked = on_checked;
        o.check_first = health_first(s->health);
    }
    auto_close int channel = -1;
    r = monitor_start(&o, &channel, err);
    struct proc_id init;
    if (r == 0)
        r = monitor_wait_started(channel, &init, err);
    if (r == 0)
        *ret_channel = take_fd(&channel);
    return r;
}

int container_prepare(struct engine *e, struct store_container *c, struct sandbox_config *config,
                      struct root *root, struct err *err)
{
    auto_strv layers = {0};
    int r = sandbox_config_read(config, &e->store, c, NULL, err);
    if (r == 0 && !config->sandbox.root_dir) {
        r = root_container_layers(c, &layers, err);
        if (r == 0)
            r = root_init(root, &e->store, &layers, c->path, err);
    }
    if (r == 0)
        r = sandbox_mounts_images(root, &e->store, c, err);
    if (r == 0)
        r = sandbox_network_files(&e->store, c, config->sandbox.hostname, err);
    if (r < 0)
        return err ? err_wrap(err, "container %s", c->name) : r;
    root_set_ids(root, &config->sandbox.ids);
    root->no_sync = config->auto_remove;
    return 0;
}

/* Of a service manager's sockets the command is told as sd_listen_fds(3) wants it; it is process 1,
 * or the first child of ours. */
static int hand_over(struct sandbox *sb, const struct handover *h, struct err *err)
{
    if (!h || h->n == 0)
        return 0;
    handover_keep(h);
    sb->kept_fds = h->fds;
    sb->n_kept_fds = h->n;
    if (!h->listening)
        return 0;
    if (sb->ns[NS_PID].mode != NS_PRIVATE)
        return err_set(err, -EINVAL,
                       "LISTEN_FDS cannot be handed on to a container without a PID namespace of "
                       "its own");
    const char *names = getenv("LISTEN_FDNAMES");
    strv_addf(&sb->env, "LISTEN_PID=%d", sb->init ? 2 : 1);
    strv_addf(&sb->env, "LISTEN_FDS=%d", h->listening);
    if (names)
        strv_addf(&sb->env, "LISTEN_FDNAMES=%s", names);
    return 0;
}

static int begin(struct start *s, struct sandbox_config *config, const struct handover *handover,
                 int lock, int *ret_channel, struct err *err)
{
    auto_done(log_pass) struct log_pass pass = LOG_PASS_NONE;
    struct sandbox *sb = &config->sandbox;
    int r = hand_over(sb, handover, err);
    if (r == 0)
        r = log_pass_open(s->container, &pass, err);
    if (r < 0)
        return r;
    s->once = sb->n_kept_fds > 0;
    sb->passes_stdio = pass.on;
    memcpy(sb->stdio, pass.fds, sizeof(sb->stdio));
    return start_monitor(s, sb, lock, ret_channel, err);
}

int container_start(struct engine *e, struct store_container *c, const struct handover *handover,
                    int *ret_channel, struct err *err)
{
    /* Without a lock of ours, of which their monitors would get a copy. */
    if (json_array_size(json_object_get(c->config, "Dependencies")))
        store_container_let_go(c);
    int r = dependencies_start(e, c, err);
    auto_close int lock = r < 0 ? r : store_container_lock(c, err);
    if (lock < 0)
        return lock;
    r = store_container_reload(c, err);
    if (r < 0)
        return r;
    if (container_is_up(c))
        return err_kind(err, ERR_IN_USE, -EALREADY, "container %s is already running", c->name);

    auto_done(sandbox_config) struct sandbox_config config = {0};
    auto_done(root) struct root root = {0};
    r = container_prepare(e, c, &config, &root, err);
    if (r < 0)
        return r;
    r = sandbox_namespaces_open(&config, e, c->config, err);
    if (r < 0)
        return err ? err_wrap(err, "container %s", c->name) : r;
    root_set_ids(&root, &config.sandbox.ids);
    r = volumes_prepare(&e->store, c->config, &root, &config, err);
    if (r == 0)
        r = root_make_targets(&root, &config.sandbox, err);
    if (r == 0)
        r = sandbox_mounts_scratch(&e->store, &config, c, err);
    auto_free struct netns_port *ports = NULL;
    if (r == 0 && config.has_network)
        r = sandbox_ports_read(c->config, &ports, &root.n_ports, err);
    auto_free char *warning = NULL;
    if (r == 0)
        r = sandbox_resources_make(&config, c, &warning, err);
    if (r < 0)
        return err ? err_wrap(err, "container %s", c->name) : r;
    engine_warn(e, warning);
    root.network = config.has_network ? &config.network : NULL;
    root.ports = ports;
    struct start s = {.root = &root,
                      .store = &e->store,
                      .container = c,
                      .auto_remove = config.auto_remove,
                      .cgroup = &config.cgroup};
    r = begin(&s, &config, handover, lock, ret_channel, err);
    if (r < 0 && config.cgroup.dir)
        cgroup_remove(config.cgroup.dir, NULL); /* the monitor did, if it came so far */
    return r;
}
