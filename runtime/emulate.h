/* SPDX-License-Identifier: Apache-2.0 */
/* Root emulation: what a package manager asks of root, in a user namespace that has one id.
 *
 * Theory of operation. There chown(100), setresuid(100) or the making of a device cannot succeed,
 * and programs that are right to ask give up. A seccomp filter, below the container's policy, hands
 * such calls to a *supervisor*, which answers in the kernel's place:
 *
 *   chown to 0:0 and -1                 the kernel's; the filter lets them pass
 *   chown to others, devices, access    found as the caller would find them (emulate_target.c) and
 *   control lists with other ids        told to the root's file server, through the mount, which
 *                                       keeps them (overlay-fuse/server_record.c). On other file
 *                                       systems the call succeeds and nothing is kept
 *   stat, statx, access                 with --root-emulation=consistent: answered with the owners
 *                                       that were recorded (emulate_stat.c)
 *   set*id, setgroups, get*id           a process has the ids that it has set, and so have its
 *                                       children (emulate_ids.h); to the kernel it stays root
 *
 * So inside everything is owned by root, unless "consistent" is asked for, and a commit has the
 * true owners.
 *
 * The filter is loaded by whoever is about to execute the container's command (process.c). It sends
 * the listener to its monitor, which forks the supervisor. There is one for a
 * container and one for each exec, as seccomp has one listener a tree of processes. The supervisor
 * is in the container's user and mount namespaces, which the recording needs, and outside of its
 * pid namespace: nobody in the container can see, signal or trace it. It ends with the last process
 * that has its filter. When somebody kills it before, the kernel answers ENOSYS to the calls in
 * question.
 *
 * Where a filter cannot notify (an old kernel, or a listener above ours already) the calls get
 * fixed answers instead: they succeed, and nothing is recorded. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/emulate_ids.h"
#include "runtime/sandbox.h"

#include <linux/filter.h>

struct channel_msg;

/* What the process that loads the filter hands over to its monitor: INIT_LISTENER (init.h). */
struct emulate_handover {
    int listener;     /* -1: nothing to supervise */
    int user, mnt;    /* its namespaces */
    struct ids first; /* of a process that has set none */
};
#define EMULATE_HANDOVER_NONE                                                                      \
    {                                                                                              \
        .listener = -1, .user = -1, .mnt = -1                                                      \
    }
void emulate_handover_done(struct emulate_handover *h);
DEFINE_AUTO(emulate_handover, emulate_handover_done)

/* Opens the namespaces, while /proc is one that can be trusted. Does nothing where no emulation is
 * wanted. */
int emulate_prepare(const struct sandbox *sb, struct emulate_handover *h, struct err *err);
/* Sends it, and takes it from the message. */
int emulate_send(int channel, const struct emulate_handover *h);
void emulate_receive(struct channel_msg *msg, struct emulate_handover *ret);

/* Loads the filter that sb->emulation asks for, for a process with the capabilities `caps`. Needs
 * CAP_SYS_ADMIN or no_new_privs. *ret_listener is -1 when there is nothing to supervise. */
int emulate_load(const struct sandbox *sb, uint64_t caps, int *ret_listener, struct err *err);

/* Whether a container with these ids can need it: there is one, and it is root's. */
bool emulate_possible(const struct id_maps *ids);

/* Whether there is to be any. */
bool emulate_wanted(const struct sandbox *sb);

/* Whether the command can be shown as any user while it is root to the kernel, if a supervisor can
 * be had, which emulate_load() will tell. */
bool emulate_shows_users(const struct sandbox *sb);

/* The filter, for a table of calls that ends with a nr of 0 and arch of 0: EMULATE_RECORD or
 * EMULATE_CONSISTENT for a supervisor, EMULATE_FIXED with fixed answers. Returns its length, at
 * most EMULATE_FILTER_MAX. */
#define EMULATE_FILTER_MAX 1024
struct emulate_call;
size_t emulate_filter(const struct emulate_call *table, uint64_t caps, enum root_emulation how,
                      struct sock_filter out[static EMULATE_FILTER_MAX]);

/* The call with this number, or NULL. */
const struct emulate_call *emulate_find(uint32_t arch, uint32_t nr);
const struct emulate_call *emulate_calls(void);

/* Forks the supervisor for what was handed over, which stays the caller's. `init_fd` is
 * a pidfd of the container's init or -1, `ids` and `caps` are the container's: the supervisor walks
 * paths with no more than them. Returns the supervisor's pid. */
pid_t emulate_start(const struct emulate_handover *h, int init_fd, const struct id_maps *ids,
                    uint64_t caps, struct err *err);
