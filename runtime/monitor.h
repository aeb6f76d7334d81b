/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor: one process a container, in a session of its own, that outlives the client.
 *
 * It makes the namespaces, has the root served, starts the container's init, owns the pty or pipes,
 * the log and the exit status. Clients talk to it over a channel (base/channel.h): the one that
 * started it over a socket pair, later ones over the socket `attach` in the run directory, with the
 * same messages. Several clients may be attached at once. One that does not read holds the output
 * back for at most 10 s and is then let go; only one that says MON_WAITING, a foreground `run`
 * whose own reader is slow, holds it as long as a pipe would. */
#pragma once

#include "base/err.h"
#include "base/proc.h"
#include "runtime/log_file.h"
#include "runtime/sandbox.h"

#include <signal.h>
#include <stdbool.h>

/* client -> monitor */
enum {
    MON_STDIN = 1, /* bytes for the container */
    MON_STDIN_EOF, /* nothing more */
    MON_RESIZE,    /* struct winsize */
    MON_SIGNAL,    /* int: for the container's init */
    MON_LEAVE,     /* we go, and what runs shall go on */
    MON_WAITING,   /* alive, and held up by whoever reads our output: do not drop us */
    MON_PAUSE,     /* stop all processes, record it, and answer with MON_DONE */
    MON_UNPAUSE,   /* let them go on, likewise */
    MON_CHECK,     /* check its health now: MON_CHECKED, or MON_DONE where that cannot be */
    /* monitor -> client */
    MON_STARTED = 64, /* struct proc_id of the container's init */
    MON_FAILED,       /* struct err: it never ran */
    MON_STDOUT,       /* bytes */
    MON_STDERR,       /* bytes */
    MON_STDIN_TAKEN,  /* uint32_t: so many bytes of MON_STDIN went to the container; a client never
                         has more than MON_STDIN_WINDOW under way, so its other messages pass */
    MON_DONE,         /* struct err: what MON_PAUSE or MON_UNPAUSE came to */
    MON_EXITED,       /* int: exit code as the shell counts; after it the channel ends */
    MON_CHECKED,      /* int: enum check_health */
};

/* Tells the monitor that the user wants the container's end: it is not started again after it. */
#define MONITOR_SIGNAL_END SIGUSR2

#define MON_STDIN_WINDOW (256 * 1024)

enum check_health { CHECK_HEALTHY, CHECK_UNHEALTHY, CHECK_STARTING };

/* What follows from a health check. */
struct check_verdict {
    enum check_health health;
    int64_t next; /* ms until the next check; -1: not by itself */
    int signal;   /* not 0: is sent to the container, and after `patience` ms SIGKILL */
    int64_t patience;
    bool final; /* after that end it is not started again */
};

/* What the monitor needs done by others, so that runtime/ knows no store, overlay or network.
 * All run in the monitor but net_enter, net_setup and inside. */
struct monitor_ops {
    void *ctx;
    /* Starts the server of the root (`number` 0) or of a MOUNT_SERVED; *ret_channel takes the
     * /dev/fuse descriptor that init has mounted and answers with a struct err
     * (overlay-fuse/client.h). */
    pid_t (*root_start)(void *ctx, uint32_t number, int *ret_channel, struct err *err);
    /* mount(2) data for the root's FUSE mount. */
    void (*root_mount_data)(int device_fd, uid_t uid, gid_t gid, char out[static 256]);
    /* Starts the helper that serves the container's own network namespace (netns/client.h).
     * `inside`: its end of a channel to init; borrowed. *ret_control is kept as long as the network
     * is wanted. NULL, with net_enter: there is none to serve. */
    pid_t (*net_start)(void *ctx, int inside, int *ret_control, struct err *err);
    /* In the container's init, in its network namespace, with capabilities: first in the host's
     * tree, with the user's id, then with all mounts. `channel`: to the helper; -1: none. */
    int (*net_enter)(void *ctx, int channel, struct err *err);
    int (*net_setup)(void *ctx, int channel, struct err *err);
    /* The helper of the network ended before the container: to be recorded. */
    void (*net_lost)(void *ctx);
    /* Not NULL: is called in place of the execution of the command, as the container's root with
     * the container's capabilities and policy; `uid` and `gid` are the ids of the user that the
     * sandbox names. 0-2 are the pipes of launch.h. The process ends with the result. */
    int (*inside)(void *ctx, uint32_t uid, uint32_t gid);
    /* The container's command was executed: to be recorded before the client hears of it. */
    int (*started)(void *ctx, const struct proc_id *init, struct err *err);
    /* All its processes were stopped, or go on: to be recorded. NULL: it cannot be paused. */
    int (*paused)(void *ctx, bool stopped, struct err *err);
    /* It ended, and nothing of it is left: ms until it is to be started again, which is recorded;
     * -1: not, and `exited` is next. NULL: never. Not asked when the user ended it. */
    int64_t (*again)(void *ctx, int exit_code);
    /* Starts one health check, as a process that writes what it found to the pipe *ret_fd and ends,
     * within *ret_limit ms. NULL: there is no check. */
    pid_t (*check)(void *ctx, int *ret_fd, int64_t *ret_limit, struct err *err);
    /* It ended, and `found` is what it wrote, with a NUL behind it; empty when it failed to. To be
     * recorded. */
    void (*checked)(void *ctx, const char *found, size_t len, struct check_verdict *ret);
    /* It ended (or never ran: failure != NULL). Called once, after every process, mount and helper
     * of the container is gone; records the exit and does what --rm asks for. */
    void (*exited)(void *ctx, int exit_code, const struct err *failure);
};

struct exec_target;

struct monitor_options {
    const struct sandbox *sandbox;
    const struct exec_target *exec; /* NULL: makes a container; else joins one (runtime/exec.h) */
    struct monitor_ops ops;
    /* Where the socket `attach` is made. -1: none (a build's step, an exec): the caller is the only
     * client there will ever be, so it is never let go for being slow, and the command is killed
     * when it is gone without a MON_LEAVE. */
    int run_dir_fd;
    bool root_is_dropped; /* nobody wants the root after the end: its server need not finish */
    int64_t time_limit;   /* ms it may run before it is killed; 0: any time */
    int64_t check_first;  /* ms from a start to the first health check; -1: not by itself */
    struct log_file log;  /* opened by the monitor; LOG_FILE_NONE */
    /* Descriptors of the caller that the monitor must not keep open: a flock lasts as long as any
     * copy of its descriptor. */
    const int *forget;
    size_t n_forget;
};

/* Forks the monitor and returns at once with the caller's channel to it. The next message on it is
 * MON_STARTED or MON_FAILED. */
int monitor_start(const struct monitor_options *o, int *ret_channel, struct err *err);

/* Waits for MON_STARTED; a MON_FAILED becomes *err with its kind (exit 126, 127 or 125). */
int monitor_wait_started(int channel, struct proc_id *ret, struct err *err);

struct attach_options {
    bool tty;        /* put our terminal into raw mode and pass window sizes */
    bool stdin_open; /* pass our stdin */
    bool stdout_open, stderr_open;
    bool proxy_signals;      /* pass SIGINT, SIGTERM, SIGHUP... on (without tty) */
    const char *detach_keys; /* "ctrl-p,ctrl-q"; "" none */
    bool hold_output; /* our stdout stalls (a pager): hold the container back as a pipe would. Else
                         the monitor lets us go after 10 s */
};

/* Copies between our terminal or pipes and the container until it ends or the detach keys are
 * typed. The terminal is restored whatever happens. *ret_exit_code as MON_EXITED; -1: detached. */
int attach_run(int channel, const struct attach_options *o, int *ret_exit_code, struct err *err);
