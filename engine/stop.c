/* SPDX-License-Identifier: Apache-2.0 */
/* `stop` and `rm`: ending containers, and whether one runs at all. */
#include "base/json.h"
#include "engine/container_mount.h"
#include "engine/dependencies.h"
#include "engine/events.h"
#include "engine/life.h"
#include "engine/sandbox_resources.h"
#include "engine/state.h"
#include "engine/volume.h"
#include "runtime/monitor.h"

#include <signal.h>
#include <string.h>

enum container_status container_status(const struct store_container *c)
{
    static const struct {
        const char *name;
        enum container_status status;
    } known[] = {{"running", CONTAINER_RUNNING},
                 {"paused", CONTAINER_PAUSED},
                 {"restarting", CONTAINER_RESTARTING},
                 {"exited", CONTAINER_EXITED}};
    const char *said = json_get_string(c->state, "Status", "created");
    enum container_status status = CONTAINER_CREATED;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(said, known[i].name) == 0)
            status = known[i].status;
    if (!(CONTAINER_UP & STATUS_BIT(status)))
        return status;
    /* While the monitor lives it has not finished recording the end, whatever init does. */
    struct proc_id init, monitor;
    state_get_process(c->state, "Init", &init);
    state_get_process(c->state, "Monitor", &monitor);
    return proc_alive(&monitor) || proc_alive(&init) ? status : CONTAINER_EXITED;
}

bool container_has_processes(const struct store_container *c)
{
    return CONTAINER_ALIVE & STATUS_BIT(container_status(c));
}

bool container_is_up(const struct store_container *c)
{
    return CONTAINER_UP & STATUS_BIT(container_status(c));
}

int container_exit_code(const struct store_container *c)
{
    const char *said = json_get_string(c->state, "Status", "");
    bool untold = (strcmp(said, "running") == 0 || strcmp(said, "paused") == 0) &&
                  container_status(c) == CONTAINER_EXITED;
    return untold ? -1 : (int)state_get_int(c->state, "ExitCode");
}

const char *container_status_name(enum container_status status)
{
    static const char *const names[] = {"created", "running", "paused", "restarting", "exited"};
    return names[status];
}

/* What killing may take: the kernel ends the pid namespace, the monitor cleans up and records. */
#define KILL_PATIENCE 10 /* seconds */

static int await_down(struct store_container *c, int64_t seconds, struct err *err)
{
    int64_t ms = seconds > INT32_MAX / 1000 ? INT32_MAX : seconds * 1000;
    int r = container_await(c, CONTAINER_DOWN, ms, 0, err);
    return r == -ENOENT ? 0 : r; /* --rm: it is as down as can be */
}

/* The monitor must hear that the user wants the end before init hears of it, or a restart policy
 * would apply. */
static void announce_end(const struct store_container *c)
{
    struct proc_id monitor;
    state_get_process(c->state, "Monitor", &monitor);
    proc_signal(&monitor, MONITOR_SIGNAL_END);
}

/* Also what is not in a pid namespace of the container's, and what is frozen. */
static void kill_cgroup(const struct store_container *c)
{
    auto_done(cgroup) struct cgroup cg = {0};
    const char *dir = resources_cgroup(c);
    if (dir && cgroup_open(dir, &cg, NULL) == 0)
        cgroup_kill(cg.fd);
}

static int kill_and_wait(struct store_container *c, struct err *err)
{
    struct proc_id init;
    state_get_process(c->state, "Init", &init);
    proc_signal(&init, SIGKILL);
    kill_cgroup(c);
    int r = await_down(c, KILL_PATIENCE, err);
    if (r != -ETIMEDOUT)
        return r;
    return err_set(err, r, "container %s did not end within %d seconds of being killed", c->name,
                   KILL_PATIENCE);
}

/* The caller holds the life-cycle lock, which the monitor never takes. */
static int stop_locked(struct engine *e, struct store_container *c, int signal, int64_t timeout,
                       struct err *err)
{
    struct proc_id init;
    struct err late = {0};
    if (!container_is_up(c))
        return 0;
    announce_end(c);
    state_get_process(c->state, "Init", &init);
    bool paused = container_status(c) == CONTAINER_PAUSED;
    if (signal != SIGKILL && timeout > 0 && proc_signal(&init, signal) == 0) {
        if (paused) /* or it would never hear of it */
            container_pause(e, c, false, NULL);
        int r = await_down(c, timeout, &late);
        if (r != -ETIMEDOUT)
            return r < 0 && err ? *err = late, r : r;
    }
    return kill_and_wait(c, err);
}

/* Locks the container and reads its state anew: -ENOENT when it was removed meanwhile. */
static int lock_current(struct store_container *c, int *ret_lock, struct err *err)
{
    int lock = store_container_lock(c, err);
    if (lock < 0)
        return lock;
    *ret_lock = lock;
    return store_container_reload(c, err);
}

static int stop_signal(const struct store_container *c)
{
    int64_t signal = SIGTERM;
    json_want_int(json_object_get(c->config, "Config"), "StopSignal", &signal, NULL);
    return signal > 0 && signal < NSIG ? (int)signal : SIGTERM;
}

int container_stop(struct engine *e, struct store_container *c, int64_t timeout, struct err *err)
{
    auto_close int lock = -1;
    int r = lock_current(c, &lock, err);
    if (r < 0)
        return r;
    int64_t own_timeout = STOP_TIMEOUT_DEFAULT;
    r = json_want_int(json_object_get(c->config, "Config"), "StopTimeout", &own_timeout, err);
    bool up = container_is_up(c);
    if (r == 0)
        r = stop_locked(e, c, stop_signal(c), timeout >= 0 ? timeout : own_timeout, err);
    if (r == 0 && up)
        event_container(&e->store, c, "stop", -1);
    return r;
}

int container_remove(struct engine *e, struct store_container *c, bool force, int64_t timeout,
                     struct err *err)
{
    auto_close int lock = -1;
    int r = lock_current(c, &lock, err);
    if (r == -ENOENT && force)
        return 0; /* --rm was quicker */
    if (r < 0)
        return r;
    if (container_is_up(c) && !force)
        return err_kind(err, ERR_IN_USE, -EBUSY,
                        "cannot remove container %s as it is %s: stop it first, or use --force",
                        c->id, container_status_name(container_status(c)));
    r = dependents_check(&e->store, c, err);
    if (r == 0)
        r = container_unmount(e, c, true, NULL, err);
    if (r == 0)
        r = stop_locked(e, c, stop_signal(c), timeout, err);
    if (r == 0)
        r = store_container_remove_run_dir(&e->store, c->id, err);
    if (r == 0 && resources_cgroup(c)) /* its monitor was killed */
        cgroup_remove(resources_cgroup(c), NULL);
    if (r == 0)
        r = store_container_remove(&e->store, c, err);
    if (r == 0) {
        container_mount_forget(e, c);
        dependencies_withdraw(&e->store, c->config);
        event_container(&e->store, c, "remove", -1);
    }
    bool auto_remove = false;
    json_want_bool(json_object_get(c->config, "HostConfig"), "AutoRemove", &auto_remove, NULL);
    if (r == 0 && auto_remove)
        volumes_remove_anonymous(&e->store, c->config);
    return r;
}

/* --- kill, restart -------------------------------------------------------------------------- */

static bool asks_for_end(const struct store_container *c, int signal)
{
    return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGQUIT ||
           signal == SIGABRT || signal == stop_signal(c);
}

/* Without the life-cycle lock: a kill must not wait for a stop that waits for the container. */
int container_kill(struct engine *e, struct store_container *c, int signal, struct err *err)
{
    struct proc_id init;
    int r = store_container_reload(c, err);
    if (r < 0)
        return r;
    enum container_status status = container_status(c);
    bool end = asks_for_end(c, signal);
    if (end && (CONTAINER_UP & STATUS_BIT(status)))
        announce_end(c);
    state_get_process(c->state, "Init", &init);
    r = proc_signal(&init, signal);
    if (r == -ESRCH && end && status == CONTAINER_RESTARTING)
        r = 0; /* between two lives, and there will be none */
    if (r == -ESRCH)
        return err_set(err, r,
                       "can only kill running containers. %s is in state %s: container state "
                       "improper",
                       c->id, container_status_name(status));
    if (r < 0)
        return err_errno(err, r, "signal container %s", c->name);
    event_container(&e->store, c, "kill", -1);
    return signal == SIGKILL ? await_down(c, KILL_PATIENCE, err) : 0;
}

int container_restart(struct engine *e, struct store_container *c, int64_t timeout, struct err *err)
{
    auto_close int channel = -1;
    if (json_is_true(json_object_get(json_object_get(c->config, "HostConfig"), "AutoRemove")))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "container %s is removed when it ends (--rm): it cannot be restarted",
                        c->name);
    int r = container_stop(e, c, timeout, err);
    if (r == 0)
        r = container_start(e, c, NULL, &channel, err);
    if (r == 0)
        event_container(&e->store, c, "restart", -1);
    return r;
}

int container_rename(struct engine *e, struct store_container *c, const char *name, struct err *err)
{
    auto_close int lock = -1;
    int r = lock_current(c, &lock, err);
    if (r == 0)
        r = store_container_rename(&e->store, c, name, err);
    if (r == 0)
        event_container(&e->store, c, "rename", -1);
    return r;
}
