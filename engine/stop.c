/* SPDX-License-Identifier: Apache-2.0 */
/* `stop` and `rm`: ending containers, and whether one runs at all. */
#include "engine/container.h"

#include "base/json.h"
#include "engine/state.h"
#include "engine/volume.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

enum container_status container_status(const struct store_container *c)
{
    const char *said = json_get_string(c->state, "Status", "created");
    if (strcmp(said, "running") != 0)
        return strcmp(said, "exited") == 0 ? CONTAINER_EXITED : CONTAINER_CREATED;
    /* While the monitor lives it has not finished recording the end, whatever init does. */
    struct proc_id init, monitor;
    state_get_process(c->state, "Init", &init);
    state_get_process(c->state, "Monitor", &monitor);
    return proc_alive(&init) || proc_alive(&monitor) ? CONTAINER_RUNNING : CONTAINER_EXITED;
}

int container_exit_code(const struct store_container *c)
{
    bool untold = strcmp(json_get_string(c->state, "Status", ""), "running") == 0 &&
                  container_status(c) == CONTAINER_EXITED;
    return untold ? -1 : (int)state_get_int(c->state, "ExitCode");
}

const char *container_status_name(enum container_status status)
{
    static const char *const names[] = {"created", "running", "exited"};
    return names[status];
}

/* Waits until the process is gone: true, or false after `seconds`. */
static bool wait_gone(const struct proc_id *id, int64_t seconds)
{
    int milliseconds = seconds > INT32_MAX / 1000 ? INT32_MAX : (int)seconds * 1000;
    auto_close int fd = proc_open(id);
    if (fd < 0)
        return true;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int r;
    do
        r = poll(&p, 1, milliseconds);
    while (r < 0 && errno == EINTR);
    return r > 0;
}

/* What killing may take: the kernel ends the pid namespace, the monitor cleans up and records. */
#define KILL_PATIENCE 10 /* seconds */

static int kill_and_wait(const struct store_container *c, const struct proc_id *init,
                         const struct proc_id *monitor, struct err *err)
{
    proc_signal(init, SIGKILL);
    if (wait_gone(init, KILL_PATIENCE) && wait_gone(monitor, KILL_PATIENCE))
        return 0;
    return err_set(err, -ETIMEDOUT, "container %s did not end within %d seconds of being killed",
                   c->name, KILL_PATIENCE);
}

/* The caller holds the life-cycle lock, which the monitor never takes. */
static int stop_locked(struct store_container *c, int signal, int64_t timeout, struct err *err)
{
    if (container_status(c) != CONTAINER_RUNNING)
        return 0;
    struct proc_id init, monitor;
    state_get_process(c->state, "Init", &init);
    state_get_process(c->state, "Monitor", &monitor);
    if (signal != SIGKILL && proc_signal(&init, signal) == 0 && wait_gone(&init, timeout) &&
        wait_gone(&monitor, KILL_PATIENCE))
        return 0;
    return kill_and_wait(c, &init, &monitor, err);
}

/* Locks the container and reads its state anew; *ret_gone when it was removed meanwhile. */
static int lock_current(struct store_container *c, int *ret_lock, struct err *err)
{
    int lock = store_container_lock(c, err);
    if (lock < 0)
        return lock;
    *ret_lock = lock;
    return store_container_reload(c, err);
}

int container_stop(struct engine *e, struct store_container *c, int64_t timeout, struct err *err)
{
    auto_close int lock = -1;
    int r = lock_current(c, &lock, err);
    if (r < 0)
        return r;
    const json_t *config = json_object_get(c->config, "Config");
    int64_t signal = SIGTERM, own_timeout = STOP_TIMEOUT_DEFAULT;
    r = json_want_int(config, "StopSignal", &signal, err);
    if (r == 0)
        r = json_want_int(config, "StopTimeout", &own_timeout, err);
    if (r < 0)
        return r;
    return stop_locked(c, (int)signal, timeout >= 0 ? timeout : own_timeout, err);
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
    if (container_status(c) == CONTAINER_RUNNING && !force)
        return err_kind(err, ERR_IN_USE, -EBUSY,
                        "cannot remove container %s as it is running: stop it first, or use "
                        "--force",
                        c->id);
    r = stop_locked(c, timeout > 0 ? SIGTERM : SIGKILL, timeout > 0 ? timeout : 0, err);
    if (r == 0)
        r = store_container_remove_run_dir(&e->store, c->id, err);
    if (r == 0)
        r = store_container_remove(&e->store, c, err);
    bool auto_remove = false;
    json_want_bool(json_object_get(c->config, "HostConfig"), "AutoRemove", &auto_remove, NULL);
    if (r == 0 && auto_remove)
        volumes_remove_anonymous(&e->store, c->config);
    return r;
}
