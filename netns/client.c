/* SPDX-License-Identifier: Apache-2.0 */
/* Starting wherry-netns. */
#include "netns/client.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/proc.h"
#include "netns/tap.h"

#include <fcntl.h>
#include <string.h>

static pid_t spawn(const char *program, int control, int inside, struct err *err)
{
    auto_strv argv = {0};
    strv_add(&argv, "wherry-netns");
    strv_addf(&argv, "%d", control);
    strv_addf(&argv, "%d", inside);
    int keep[] = {control, inside};
    struct spawn sp = {.path = program,
                       .argv = strv_argv(&argv),
                       .stdin_fd = -1,
                       .stdout_fd = -1,
                       .stderr_fd = -1,
                       .keep = keep,
                       .n_keep = 2,
                       .new_session = true,
                       .die_with_parent = true};
    return proc_spawn(&sp, err);
}

pid_t netns_client_start(const struct netns_config *c, const struct netns_port *ports,
                         size_t n_ports, int inside, int *ret_control, struct err *err)
{
    auto_buf message = {0};
    auto_free char *program = NULL;
    int pair[2];
    int r = program_find("wherry-netns", &program, err);
    if (r == 0)
        r = channel_pair(pair, err);
    if (r < 0)
        return r;
    auto_close int ours = pair[0], theirs = pair[1];
    /* It fits into the socket, so the helper need not be there to read it. */
    buf_add(&message, c, sizeof(*c));
    buf_add(&message, ports, n_ports * sizeof(*ports));
    r = channel_send(ours, NETNS_CONFIG, message.data, message.len, NULL, 0);
    if (r < 0)
        return err_errno(err, r, "the network helper");
    pid_t pid = spawn(program, theirs, inside, err);
    if (pid > 0)
        *ret_control = take_fd(&ours);
    return pid;
}

int netns_client_enter(const struct netns_config *c, int channel, struct err *err)
{
    auto_close int tap = netns_tap_make(c, err);
    if (tap < 0)
        return tap;
    auto_close int user = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    auto_close int net = user < 0 ? -1 : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (net < 0)
        return err_errno(err, -errno, "/proc/self/ns");
    const int fds[NETNS_FDS] = {tap, user, net};
    int r = channel_send(channel, NETNS_TAP, NULL, 0, fds, NETNS_FDS);
    return r < 0 ? err_errno(err, r, "the network helper") : 0;
}

int netns_client_wait(int channel, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct err said = {.code = -EPIPE};
    int r = channel_recv(channel, msg);
    if (r == 1 && msg->type == NETNS_READY && msg->len == sizeof(said))
        memcpy(&said, msg->data, sizeof(said));
    channel_msg_done(msg);
    if (said.code == 0)
        return 0;
    if (!*said.message)
        return err_set(err, -EPIPE, "the network helper ended early");
    if (err)
        *err = said;
    return err ? err_wrap(err, "network") : said.code;
}
