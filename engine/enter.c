/* SPDX-License-Identifier: Apache-2.0 */
/* Code of ours that runs inside of a container, whether that runs or not. */
#include "engine/enter.h"

#include "base/json.h"
#include "engine/sandbox_mounts.h"
#include "engine/state.h"
#include "engine/volume_copyup.h"
#include "runtime/exec.h"

#include <fcntl.h>
#include <signal.h>

static int inside(void *ctx, uint32_t uid, uint32_t gid)
{
    struct entered *en = ctx;
    return en->fn(en->arg, uid, gid);
}

static void blocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    fcntl(fd, F_SETPIPE_SZ, 1 << 20);
}

static int launch_child(struct entered *en, const struct exec_target *target, struct err *err)
{
    static const struct winsize no_size;
    struct sandbox *sb = &en->config.sandbox;
    sb->tty = false;
    sb->keep_stdin = true;
    sb->work_dir = "/";
    /* What the command may is not what its owner outside may. */
    sb->caps = sandbox_default_caps();
    sb->user_caps = 0;
    sb->seccomp = NULL;
    sb->seccomp_unconfined = false;
    sb->n_limits = 0;
    struct monitor_options o = {.sandbox = sb,
                                .exec = target,
                                .ops = {.ctx = en, .inside = inside},
                                .run_dir_fd = -1,
                                .log = LOG_FILE_NONE};
    root_monitor_ops(&o.ops);
    int r =
        target ? exec_launch(&o, &no_size, &en->child, err) : launch(&o, &no_size, &en->child, err);
    if (r == 0) {
        blocking(en->child.io.in);
        blocking(en->child.io.out);
    }
    return r;
}

static int enter_running(struct engine *e, struct store_container *c, struct entered *en,
                         struct err *err)
{
    struct proc_id init;
    struct exec_target target = {0};
    state_get_process(c->state, "Init", &init);
    struct id_maps ids = {0};
    int r = join_open(&init, &en->join, err);
    if (r == 0)
        r = join_read_maps(init.pid, &ids, err);
    if (r == 0)
        r = sandbox_config_read(&en->config, &e->store, c, &ids, err);
    target.join = en->join;
    return r < 0 ? r : launch_child(en, &target, err);
}

static int enter_stopped(struct engine *e, struct store_container *c, struct entered *en,
                         struct err *err)
{
    int r = container_prepare(e, c, &en->config, &en->files, err);
    if (r == 0)
        r = volumes_prepare(&e->store, c->config, &en->files, &en->config, err);
    if (r == 0)
        r = root_make_targets(&en->files, &en->config.sandbox, err);
    if (r == 0)
        r = sandbox_mounts_scratch(&e->store, &en->config, c, err);
    if (r < 0)
        return r;
    /* A root that is read-only for the command is not so for its owner outside. */
    en->config.sandbox.read_only = false;
    /* Whom it shares namespaces with when it runs has nothing to do with its files. */
    for (size_t i = 0; i < NS_KINDS; i++)
        en->config.sandbox.ns[i].mode = NS_PRIVATE;
    return launch_child(en, NULL, err);
}

/* launch_wait_server() waits for it. */
static void block_sigchld(sigset_t *ret_before)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, ret_before);
}

static void init(struct entered *en)
{
    *en = (struct entered){.root = &en->files, .lock = -1, .join = {.pidfd = -1}};
    for (size_t i = 0; i < JOIN_NAMESPACES; i++)
        en->join.ns[i] = -1;
    launch_init(&en->child);
    block_sigchld(&en->before);
}

int enter_begin(struct engine *e, struct store_container *c,
                int (*fn)(void *arg, uint32_t uid, uint32_t gid), void *arg, struct entered *ret,
                struct err *err)
{
    init(ret);
    ret->fn = fn;
    ret->arg = arg;
    ret->lock = store_container_lock(c, err);
    if (ret->lock < 0)
        return ret->lock;
    int r = store_container_reload(c, err);
    if (r < 0)
        return r;
    if (container_status(c) == CONTAINER_RESTARTING) /* its monitor takes no lock */
        return err_set(err, -EBUSY, "container %s is about to be restarted: try again", c->name);
    if (!container_has_processes(c))
        return enter_stopped(e, c, ret, err);
    close_fd(&ret->lock); /* it may be stopped while we are in it */
    return enter_running(e, c, ret, err);
}

void enter_end(struct entered *en)
{
    int status;
    block_sigchld(NULL); /* the end of another one has let it through */
    streams_done(&en->child.io);
    if (en->child.init > 0)
        proc_wait(en->child.init, &status);
    launch_wait_server(&en->child, false);
    join_done(&en->join);
    sandbox_config_done(&en->config);
    root_done(&en->files);
    close_fd(&en->lock);
    sigprocmask(SIG_SETMASK, &en->before, NULL);
}
