/* SPDX-License-Identifier: Apache-2.0 */
/* wherry run: makes a container and runs it. */
#include "cmd/attach_options.h"
#include "cmd/commands.h"
#include "cmd/container_options.h"
#include "cmd/preserve_options.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct values {
    struct container_values container; /* first: CONTAINER_OPTION_ROWS */
    bool detach;
    char *detach_keys, *sig_proxy;
    struct preserve_options preserve;
    struct strv attach;
};

static const struct opt opts[] = {
    CONTAINER_OPTION_ROWS,
    OPT_CSV_ROW('a', "attach", values, attach, "STREAM",
                "Attach only to this: stdin, stdout or stderr (default: all)"),
    OPT_BOOL_ROW('d', "detach", values, detach, "Run in the background and print the ID"),
    DETACH_KEYS_ROW(values),
    PRESERVE_OPTION_ROWS(values),
    SIG_PROXY_ROW(values),
    {0},
};

static int check_attach(const struct values *v, struct err *err)
{
    if (v->attach.len && v->detach)
        return err_kind(err, ERR_USAGE, -EINVAL, "--attach and --detach exclude each other");
    for (size_t i = 0; i < v->attach.len; i++)
        if (strcmp(v->attach.v[i], "stdin") != 0 && strcmp(v->attach.v[i], "stdout") != 0 &&
            strcmp(v->attach.v[i], "stderr") != 0)
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "invalid stream \"%s\" for --attach - must be one of stdin, stdout, or "
                            "stderr: invalid argument",
                            v->attach.v[i]);
    return 0;
}

static bool attaches(const struct values *v, const char *stream)
{
    return v->attach.len == 0 || strv_contains(&v->attach, stream);
}

/* The signals that would end us. */
static void choose_ends(sigset_t *ret)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction how;
    sigemptyset(ret);
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (sigaction(ends[i], NULL, &how) == 0 && how.sa_handler != SIG_IGN)
            sigaddset(ret, ends[i]);
}

/* Makes it and starts it. What is to leave nothing behind is not interrupted between the two: a
 * signal that comes meanwhile is in *ret_signal, else 0. */
static int start(struct invocation *in, const struct values *v, const struct strv *args,
                 struct handover *handover, struct store_container *ret, int *ret_channel,
                 int *ret_signal, struct err *err)
{
    sigset_t ends, before;
    choose_ends(&ends);
    if (v->container.auto_remove)
        sigprocmask(SIG_BLOCK, &ends, &before);
    int r = container_options_create(in, &v->container, args, ret, err);
    bool made = r == 0;
    if (r == 0)
        r = container_start(in->engine, ret, handover, ret_channel, err);
    if (!v->container.auto_remove)
        return r;
    int signal = sigtimedwait(&ends, NULL, &(struct timespec){0});
    *ret_signal = signal > 0 ? signal : 0;
    /* The monitor removes it when it gets so far; before that it is ours to do. */
    if (made && (r < 0 || *ret_signal))
        container_remove(in->engine, ret, true, 0, &(struct err){0});
    sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    auto_done(handover) struct handover handover = {0};
    int r = v->detach_keys ? container_check_detach_keys(v->detach_keys, err) : 0;
    if (r == 0)
        r = check_attach(v, err);
    if (r == 0)
        r = handover_collect(v->preserve.count, &v->preserve.listed, true, &handover, err);
    if (r == 0 && handover.n && v->container.life.restart &&
        strcmp(v->container.life.restart, "no") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "file descriptors can be handed on only once: not with --restart");
    auto_close int channel = -1;
    int signal = 0;
    if (r == 0)
        r = start(in, v, args, &handover, &c, &channel, &signal, err);
    if (signal)
        raise(signal);
    if (r < 0)
        return r;
    handover_done(&handover);
    if (v->detach) {
        puts(c.id);
        return 0;
    }
    struct container_attach_options o = {.interactive =
                                             v->container.interactive && attaches(v, "stdin"),
                                         .no_stdout = !attaches(v, "stdout"),
                                         .no_stderr = !attaches(v, "stderr"),
                                         .proxy_signals = opt_switch(v->sig_proxy, true),
                                         .detach_keys = attach_keys(v->detach_keys),
                                         .hold_output = true};
    return attach_foreground(in, &c, take_fd(&channel), &o, err);
}

const struct command cmd_run = {
    .name = "run",
    .usage = "[options] IMAGE [COMMAND [ARG...]]",
    .summary = "Run a command in a new container",
    .details = "Examples:\n"
               "  wherry run --rm debian echo hello\n"
               "  wherry run -it --name work debian bash\n"
               "  wherry run -d -v ./site:/srv:ro IMAGE\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .stop_at_argument = true,
    .run = run,
};
