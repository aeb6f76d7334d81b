/* SPDX-License-Identifier: Apache-2.0 */
/* The container's init, from the clone to the exec. It becomes the command; nothing stays.
 *
 * Theory of operation. The monitor clones it into new user, mount, pid, ipc, uts, network and
 * cgroup namespaces and keeps the other end of `channel`:
 *
 *   monitor              init
 *   writes the id maps
 *   INIT_GO       ---->  opens what comes from the host, mounts the root
 *                       makes the network's device (monitor_ops.net_enter)
 *                 <----  INIT_DEVICE, with a uint32_t, whose device it is (0: the root's, else a
 *                       MOUNT_SERVED's), the /dev/fuse descriptor (mounted, to be served) and a
 *                       procfs of the container; one for each
 *                 <----  INIT_TERMINAL, with the pty's master (only with a terminal)
 *                 <----  INIT_LISTENER, with that of root emulation and a struct ids (emulate.h)
 *                 <----  INIT_EXEC: nothing is left but exec
 *                 <----  end of file: exec worked, as the channel is close-on-exec
 *                 <----  or INIT_FAILED with a struct err, at any time
 */
#pragma once

#include "runtime/monitor.h"
#include "runtime/sandbox.h"

enum {
    INIT_GO = 1,
    INIT_DEVICE,
    INIT_TERMINAL,
    INIT_LISTENER,
    INIT_EXEC,
    INIT_FAILED,
    INIT_JOINED, /* exec only: the pid_t of the command's process, from who made it */
};

struct init_job {
    const struct sandbox *sandbox;
    const struct monitor_ops *ops;
    int channel;
    int network;  /* a channel to the helper of the network, or -1 */
    int shm;      /* a detached mount for /dev/shm, or -1: a new one */
    int stdio[3]; /* without a terminal: pipes; stdin -1: /dev/null */
};

/* Never returns: exec or _exit. */
_Noreturn void init_main(const struct init_job *job);
