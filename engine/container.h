/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: create, start, stop, remove, list, inspect, logs.
 *
 * Theory of operation. A container is what its config.json says, written once at creation in the
 * form that `inspect` prints: what a container is made of and what a user is shown are one
 * document. state.json holds what changes: Status (created, running or exited, as its last writer
 * saw it), Init and Monitor ({Pid, StartTime, BootId}), ExitCode, StartedAt, FinishedAt and Error.
 * Its writers are the monitor (started, exited) and nobody else, so it needs no lock. Whether a
 * container runs is never read from Status alone: the processes named there must live
 * (container_status). The life-cycle lock serialises start, stop and rm among clients; the monitor
 * never takes it, so a client may hold it while it waits for the monitor to end. */
#pragma once

#include "engine/engine.h"
#include "engine/filter.h"

/* What each flag was given with, once for each time. */
struct create_mount_options {
    const struct strv *volumes;      /* -v: [SOURCE:]TARGET[:OPTIONS] */
    const struct strv *mounts;       /* --mount */
    const struct strv *tmpfs;        /* TARGET[:OPTIONS] */
    const struct strv *volumes_from; /* CONTAINER[:OPTIONS] */
    const char *image_volume; /* what becomes of VOLUME: anonymous (or NULL), bind, tmpfs, ignore */
};

struct create_options {
    const struct store_image *image; /* NULL: there is `rootfs` */
    const char *rootfs;              /* absolute path of a directory that is the root */
    const char *asked;               /* the name that it was asked for by */
    const struct strv *command;      /* what follows the image; may be empty */
    const char *name;                /* NULL: generated */
    const char *entrypoint; /* --entrypoint: a word or a JSON array; "" none; NULL image's */
    const char *work_dir;   /* NULL: image's */
    const char *user;       /* NULL: image's */
    const char *hostname;   /* NULL: the short id */
    const struct strv *env; /* NAME=value, or NAME: taken from our environment */
    struct create_mount_options mounts;
    const struct environment_options *environment; /* engine/create_environment.h */
    const struct life_options *life;               /* engine/create_life.h */
    const struct port_options *ports;              /* engine/create_ports.h */
    const struct health_options *health;           /* engine/create_health.h */
    const struct sandbox_options *sandbox;         /* engine/create_sandbox.h */
    const struct resource_options *resources;      /* engine/create_resources.h */
    const struct strv *labels;                     /* NAME=value */
    const struct strv *secrets;                    /* engine/create_secrets.h; may be NULL */
    const char *root_emulation;            /* EMULATION_WORDS (engine/emulation.h), or NULL */
    const struct network_options *network; /* engine/create_network.h */
    const char *stop_signal;               /* NULL: image's, else TERM */
    int64_t stop_timeout;                  /* seconds */
    bool tty, interactive, auto_remove, read_only;
    const struct strv *invocation; /* the command line, for inspect's CreateCommand */
};

#define STOP_TIMEOUT_DEFAULT 10 /* seconds, as podman */

int container_create(struct engine *e, const struct create_options *o, struct store_container *ret,
                     struct err *err);

struct handover; /* engine/handover.h */

/* Starts a container that does not run, and those that it depends on. `handover` (or NULL):
 * descriptors that its command gets. *ret_channel talks to its monitor (runtime/monitor.h);
 * its command has been executed when this returns 0. -EALREADY: somebody was quicker. */
int container_start(struct engine *e, struct store_container *c, const struct handover *handover,
                    int *ret_channel, struct err *err);

struct container_attach_options {
    bool interactive;          /* our stdin goes to the container */
    bool no_stdout, no_stderr; /* do not show these */
    bool proxy_signals;        /* pass SIGINT, SIGTERM, SIGHUP... on (without a terminal) */
    const char *detach_keys;   /* "ctrl-p,ctrl-q"; "" none */
    bool hold_output; /* without a terminal: a slow reader of ours holds the container back,
                         as a pipe would; else the monitor lets us go */
};

/* A further channel to the monitor of a container that runs. */
int container_attach_open(struct engine *e, const struct store_container *c, int *ret_channel,
                          struct err *err);

/* Copies between our terminal or pipes and a container that was started on `channel` (borrowed)
 * until it ends or the user detaches. *ret_exit_code: as the shell counts; -1: detached. */
int container_attach(const struct store_container *c, int channel,
                     const struct container_attach_options *o, int *ret_exit_code, struct err *err);

/* So that a mistake in them is known before anything is done. */
int container_check_detach_keys(const char *keys, struct err *err);

/* Stops: the stop signal, after `timeout` seconds SIGKILL; waits until the monitor has recorded the
 * exit. Success when it does not run. timeout -1: the container's own. */
int container_stop(struct engine *e, struct store_container *c, int64_t timeout, struct err *err);

/* Removes. A running one is ERR_IN_USE unless `force`, which kills it first; one that others depend
 * on (engine/dependencies.h) is ERR_IN_USE always. */
int container_remove(struct engine *e, struct store_container *c, bool force, int64_t timeout,
                     struct err *err);

enum container_status {
    CONTAINER_CREATED,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,
    CONTAINER_RESTARTING, /* ended, and its monitor will start it again */
    CONTAINER_EXITED,
};
/* Sets of them. */
#define STATUS_BIT(status) (1u << (status))
#define CONTAINER_UP                                                                               \
    (STATUS_BIT(CONTAINER_RUNNING) | STATUS_BIT(CONTAINER_PAUSED) |                                \
     STATUS_BIT(CONTAINER_RESTARTING))
#define CONTAINER_ALIVE /* has processes */                                                        \
    (STATUS_BIT(CONTAINER_RUNNING) | STATUS_BIT(CONTAINER_PAUSED))
#define CONTAINER_DOWN (STATUS_BIT(CONTAINER_CREATED) | STATUS_BIT(CONTAINER_EXITED))

/* As the processes say. */
enum container_status container_status(const struct store_container *c);
/* -1: its monitor was killed or the machine went down, so nobody knows how it ended. */
int container_exit_code(const struct store_container *c);
const char *container_status_name(enum container_status status);
/* Whether it has processes, or soon will have again. */
bool container_is_up(const struct store_container *c);
/* It has processes: it runs or is paused. */
bool container_has_processes(const struct store_container *c);

/* Rows for `ps`: running ones, or all. Fields are podman's. New reference in *ret. */
struct container_list_options {
    bool all;
    unsigned states;            /* STATUS_BIT of those to list; 0: as `all` says */
    bool size;                  /* with Size: {rwSize, rootFsSize} in bytes */
    int64_t last;               /* the newest n; 0: no limit */
    const struct strv *filters; /* KEY=VALUE */
    const char *sort;           /* "" or NULL: newest first */
};
int container_list(struct engine *e, const struct container_list_options *o, json_t **ret,
                   struct err *err);

/* One element of `inspect`. New reference. */
int container_inspect(struct engine *e, struct store_container *c, json_t **ret, struct err *err);

/* What it wrote, and that with its image: {rwSize, rootFsSize} in bytes. New reference. */
json_t *container_size(struct engine *e, const struct store_container *c);

struct logs_options {
    bool follow;
    int64_t tail;                 /* the last n lines; -1: all */
    struct timespec since, until; /* only lines of this time; zero: without a bound */
};
/* Calls fn for each piece of the log in order; `time` is RFC 3339 and NULL for a piece that
 * continues a line. With follow, returns when the container has ended and all was delivered. */
int container_logs(struct engine *e, struct store_container *c, const struct logs_options *o,
                   void (*fn)(void *arg, bool is_stderr, const char *time, const char *data,
                              size_t len),
                   void *arg, struct err *err);

/* Which containers use the image with this id: their short ids, appended. */
int container_users_of_image(struct engine *e, const char *image_id, struct strv *ret,
                             struct err *err);
/* How many containers each image has: {"id": count}. New reference. */
int container_counts(struct engine *e, json_t **ret, struct err *err);
