/* SPDX-License-Identifier: Apache-2.0 */
/* From the process that loads root emulation's filter to its monitor. */
#include "runtime/emulate.h"

#include "base/channel.h"
#include "runtime/init.h"

#include <fcntl.h>
#include <string.h>

void emulate_handover_done(struct emulate_handover *h)
{
    close_fd(&h->listener);
    close_fd(&h->user);
    close_fd(&h->mnt);
}

int emulate_prepare(const struct sandbox *sb, struct emulate_handover *h, struct err *err)
{
    if (!emulate_wanted(sb))
        return 0;
    h->user = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    h->mnt = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    return h->user < 0 || h->mnt < 0 ? err_errno(err, -errno, "root emulation: namespaces") : 0;
}

int emulate_send(int channel, const struct emulate_handover *h)
{
    const int fds[] = {h->listener, h->user, h->mnt};
    return channel_send(channel, INIT_LISTENER, &h->first, sizeof(h->first), fds, 3);
}

void emulate_receive(struct channel_msg *msg, struct emulate_handover *ret)
{
    if (msg->n_fds != 3 || msg->len != sizeof(ret->first))
        return;
    emulate_handover_done(ret);
    memcpy(&ret->first, msg->data, sizeof(ret->first));
    ret->listener = take_fd(&msg->fds[0]);
    ret->user = take_fd(&msg->fds[1]);
    ret->mnt = take_fd(&msg->fds[2]);
}
