/* SPDX-License-Identifier: Apache-2.0 */
/* One health check: a command in the container, its time and its output.
 *
 * Should: keep little of the output, however much there is; end in time, with everything the
 * command started. Mustn't: believe anything of it but the exit code. */
#include "engine/health.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/file.h"
#include "base/json.h"
#include "base/when.h"
#include "engine/exec.h"
#include "engine/state.h"
#include "runtime/processes.h"
#include "spec/health.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define END_PATIENCE 2000 /* ms from the kill to the news of it */

struct performed {
    int code;
    bool over; /* its time was */
    struct buf output;
};

static void keep_output(struct performed *p, const struct channel_msg *msg)
{
    size_t room = HEALTH_OUTPUT - p->output.len;
    buf_add(&p->output, msg->data, msg->len < room ? msg->len : room);
}

/* Until `end` (when_monotonic_ms()): 1 when the command has ended, 0 when it has not. */
static int follow(int channel, int64_t end, struct performed *p)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    for (;;) {
        int64_t left = end - when_monotonic_ms();
        struct pollfd pfd = {.fd = channel, .events = POLLIN};
        if (left <= 0)
            return 0;
        if (poll(&pfd, 1, left < INT32_MAX ? (int)left : INT32_MAX) <= 0)
            continue;
        int r = channel_recv(channel, msg);
        if (r <= 0)
            return 1; /* its monitor was killed, and the command with it */
        channel_msg_done(msg);
        if (msg->type == MON_STDOUT || msg->type == MON_STDERR)
            keep_output(p, msg);
        if (msg->type == MON_EXITED && msg->len == sizeof(p->code)) {
            memcpy(&p->code, msg->data, sizeof(p->code));
            return 1;
        }
    }
}

static int run_command(struct engine *e, struct store_container *c, const struct strv *command,
                       int64_t timeout, struct performed *p, struct err *err)
{
    char id[ID_HEX_LEN + 1];
    struct proc_id init, process = {0};
    struct exec_options o = {.command = command, .check = true, .ret_process = &process};
    auto_close int channel = -1;
    int64_t end = when_monotonic_ms() + timeout;
    int r = container_exec(e, c, &o, &channel, id, err);
    if (r < 0)
        return r;
    if (follow(channel, end, p))
        return 0;
    p->over = true;
    state_get_process(c->state, "Init", &init);
    processes_kill_tree(&init, &process);
    follow(channel, when_monotonic_ms() + END_PATIENCE, p);
    return 0;
}

static const struct health_check *read_check(const struct store_container *c, bool startup,
                                             struct health_check *ret, struct strv *ret_command)
{
    const char *key = startup ? "StartupHealthCheck" : "Healthcheck";
    const json_t *check = json_object_get(json_object_get(c->config, "Config"), key);
    return check && health_check_parse(check, ret, NULL) == 0 &&
                   health_test_command(&ret->test, ret_command) == 0
               ? ret
               : NULL;
}

static json_t *found(const struct performed *p, const char *start, int64_t timeout)
{
    char now[36], duration[DURATION_MAX];
    json_t *entry = json_object();
    json_put_string(entry, "Start", start);
    json_put_string(entry, "End", time_format(time_now(), now));
    json_put(entry, "ExitCode", json_integer(p->over ? -1 : p->code));
    if (p->over)
        json_put(entry, "Output",
                 json_sprintf("healthcheck command exceeded timeout of %s",
                              duration_format((uint64_t)timeout, duration)));
    else
        json_put(entry, "Output", json_from_string(buf_str(&p->output)));
    return entry;
}

int health_perform(struct engine *e, struct store_container *c, bool startup, struct err *err)
{
    auto_done(health_check) struct health_check check = {0};
    auto_strv command = {0};
    char start[36];
    struct err failed = {0};
    struct performed p = {.code = -1};
    if (!read_check(c, startup, &check, &command))
        return err_set(err, -ENOENT, "container %s has no defined healthcheck", c->id);
    time_format(time_now(), start);
    int r = run_command(e, c, &command, (check.timeout + 999999) / 1000000, &p, &failed);
    if (r < 0) {
        p.code = failed.kind == ERR_NO_COMMAND ? 127 : failed.kind == ERR_NOT_EXEC ? 126 : -1;
        buf_add_str(&p.output, failed.message);
    }
    auto_json json_t *entry = found(&p, start, check.timeout);
    auto_free char *text = json_text(entry);
    buf_done(&p.output);
    r = write_full(STDOUT_FILENO, text, strlen(text));
    return r < 0 ? err_errno(err, r, "write to standard output") : 0;
}
