/* SPDX-License-Identifier: Apache-2.0 */
/* exec: a command that joins a running container.
 *
 * Theory of operation. Each command has a monitor of its own, so the container's has nothing to do
 * with it, and a container with a hung monitor can still be looked into. What runs is recorded in
 * the container's run directory by a symbolic link exec-ID -> PID:START-TIME:BOOT-ID, one system
 * call to make and one to remove; a link whose process is gone says nothing. */
#include "engine/exec.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/environment.h"
#include "engine/events.h"
#include "engine/handover.h"
#include "engine/sandbox_config.h"
#include "engine/sandbox_resources.h"
#include "engine/state.h"
#include "runtime/exec.h"
#include "runtime/monitor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINK_PREFIX "exec-"

/* What the monitor's operations work on. */
struct session {
    struct store *store; /* NULL: no event tells of it */
    const struct store_container *container;
    const char *id;
    int run_dir;
    char link[sizeof(LINK_PREFIX) + ID_HEX_LEN];
};

static int on_started(void *ctx, const struct proc_id *process, struct err *err)
{
    struct session *s = ctx;
    char target[sizeof(process->boot_id) + 64];
    snprintf(target, sizeof(target), "%d:%llu:%s", (int)process->pid,
             (unsigned long long)process->start_time, process->boot_id);
    /* A run directory that somebody removed takes the list along, not the command. */
    if (symlinkat(target, s->run_dir, s->link) < 0)
        log_debug("%s: %s", s->link, strerror(errno));
    if (s->store)
        event_exec(s->store, s->container, "exec", s->id, -1);
    return 0;
}

static void on_exited(void *ctx, int exit_code, const struct err *failure)
{
    struct session *s = ctx;
    unlinkat(s->run_dir, s->link, 0);
    if (s->store && !failure)
        event_exec(s->store, s->container, "exec_died", s->id, exit_code);
}

static bool session_alive(int run_dir, const char *link)
{
    auto_free char *target = NULL;
    struct proc_id id = {0};
    unsigned long long start;
    if (read_link_at(run_dir, link, &target, NULL) < 0 ||
        sscanf(target, "%d:%llu:%36s", &id.pid, &start, id.boot_id) != 3)
        return false;
    id.start_time = start;
    return proc_alive(&id);
}

static int open_run_dir(struct engine *e, const struct store_container *c)
{
    return open_dir_at(e->store.run_fd, c->id, NULL);
}

void exec_ids(struct engine *e, const struct store_container *c, struct strv *ret)
{
    auto_strv names = {0};
    auto_close int run_dir = open_run_dir(e, c);
    if (run_dir < 0 || list_dir_at(run_dir, ".", &names, NULL) < 0)
        return;
    strv_foreach (&names, name)
        if (strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0 && session_alive(run_dir, name))
            strv_add(ret, name + strlen(LINK_PREFIX));
}

/* The container's sandbox with what is this command's own. */
static int read_sandbox(struct engine *e, const struct store_container *c, pid_t init,
                        const struct exec_options *o, struct sandbox_config *ret, struct err *err)
{
    struct id_maps ids = {0};
    /* What it was started with, whatever /etc/subuid says today. */
    int r = join_read_maps(init, &ids, err);
    if (r == 0)
        r = sandbox_config_read(ret, &e->store, c, &ids, err);
    if (r == 0)
        r = sandbox_resources_join(ret, c, err);
    if (r < 0)
        return r;
    struct sandbox *sb = &ret->sandbox;
    strv_clear(&sb->args);
    strv_extend(&sb->args, o->command);
    sb->tty = o->tty;
    sb->keep_stdin = o->interactive;
    if (o->handover) {
        handover_keep(o->handover);
        sb->kept_fds = o->handover->fds;
        sb->n_kept_fds = o->handover->n;
    }
    if (o->user)
        sb->user = o->user;
    if (o->work_dir)
        sb->work_dir = o->work_dir;
    return environment_assign(&sb->env, o->env, err);
}

static int start_monitor(struct session *s, const struct sandbox *sandbox,
                         const struct exec_target *target, int *ret_channel,
                         struct proc_id *ret_process, struct err *err)
{
    struct monitor_options o = {
        .sandbox = sandbox,
        .exec = target,
        .ops = {.ctx = s, .started = on_started, .exited = on_exited},
        .run_dir_fd = -1,
        .log = LOG_FILE_NONE,
    };
    auto_close int channel = -1;
    struct proc_id process;
    int r = monitor_start(&o, &channel, err);
    if (r == 0)
        r = monitor_wait_started(channel, &process, err);
    if (r < 0)
        return r;
    if (ret_process)
        *ret_process = process;
    *ret_channel = take_fd(&channel);
    return 0;
}

static int exec_in(struct engine *e, struct store_container *c, const struct exec_options *o,
                   struct exec_target *target, int *ret_channel, char *ret_id, struct err *err)
{
    auto_done(sandbox_config) struct sandbox_config config = {0};
    auto_close int run_dir = open_run_dir(e, c);
    struct proc_id init;
    state_get_process(c->state, "Init", &init);
    int r = join_open(&init, &target->join, err);
    if (r == 0)
        r = read_sandbox(e, c, init.pid, o, &config, err);
    if (r < 0)
        return r;
    struct session s = {
        .store = o->check ? NULL : &e->store, .container = c, .id = ret_id, .run_dir = run_dir};
    id_random(ret_id);
    snprintf(s.link, sizeof(s.link), LINK_PREFIX "%s", ret_id);
    return start_monitor(&s, &config.sandbox, target, ret_channel, o->ret_process, err);
}

int container_exec(struct engine *e, struct store_container *c, const struct exec_options *o,
                   int *ret_channel, char ret_id[static ID_HEX_LEN + 1], struct err *err)
{
    struct exec_target target = {.privileged = o->privileged, .subreaper = o->check};
    if (container_status(c) == CONTAINER_PAUSED) {
        int r = err_kind(err, ERR_EXIT, -EINVAL, "container %s is paused: container state improper",
                         c->name);
        if (err)
            err->status = JOIN_NOT_RUNNING;
        return r;
    }
    int r = exec_in(e, c, o, &target, ret_channel, ret_id, err);
    join_done(&target.join);
    return r < 0 && err ? err_wrap(err, "container %s", c->name) : r;
}

int exec_leave(int channel, struct err *err)
{
    int r = channel_send(channel, MON_LEAVE, NULL, 0, NULL, 0);
    /* A monitor that has gone already has nothing left to kill. */
    return r < 0 && r != -EPIPE ? err_errno(err, r, "the command's monitor") : 0;
}

int exec_attach(int channel, const struct exec_options *o, const char *detach_keys,
                int *ret_exit_code, struct err *err)
{
    struct attach_options how = {
        .tty = o->tty,
        .stdin_open = o->interactive,
        .stdout_open = true,
        .stderr_open = true,
        .proxy_signals = true,
        .detach_keys = detach_keys,
        .hold_output = true,
    };
    return attach_run(channel, &how, ret_exit_code, err);
}
