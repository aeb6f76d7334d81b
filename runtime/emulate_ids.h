/* SPDX-License-Identifier: Apache-2.0 */
/* The ids that a process believes to have.
 *
 * Theory of operation. The rules are the kernel's (kernel/sys.c): root may become anybody, another
 * one may switch between the ids that it has. Each set of ids that was ever set is kept once, in a
 * table, and a process has its number. What carries the number from a process to its children and
 * through exec, and what all its threads share, is the soft limit of RLIMIT_LOCKS: it has meant
 * nothing to the kernel since Linux 2.6, is unlimited everywhere, and the supervisor can set it in
 * another process. The values used are beyond any count of locks. So nothing has to be known of
 * forks, and nothing is left of a process that has ended. The filter lets no process change that
 * limit by itself (pam_limits would), and if one could it were no harm: all of this is pretence.
 *
 * What is not seen is exec, so a program of the image that is set-user-ID does not get its owner's
 * ids, and capabilities that were kept (PR_SET_KEEPCAPS) stay. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDS_GROUPS_MAX 256
#define IDS_TABLE_MAX  4096
#define IDS_KEEP       UINT32_MAX /* -1: as it was */

struct id_set {
    uint32_t real, effective, saved, fs;
};

struct ids {
    struct id_set uid, gid;
    uint32_t keeps;    /* PR_SET_KEEPCAPS: the next change of ids is to take no capabilities */
    uint32_t kept;     /* it has taken none */
    uint32_t n_groups; /* IDS_KEEP: those that the kernel knows */
    uint32_t groups[IDS_GROUPS_MAX];
};

/* Whether it may take any id. */
static inline bool ids_privileged(const struct ids *ids)
{
    return ids->uid.effective == 0 || ids->kept;
}
/* What a change of user ids does to capabilities; `old` is what they were before. */
void ids_settle(struct ids *ids, const struct id_set *old);

/* As the calls: 0, -EPERM or -EINVAL. `privileged`: whether the caller may take any id. */
int ids_set(struct id_set *s, uint32_t id, bool privileged);
int ids_setre(struct id_set *s, uint32_t real, uint32_t effective, bool privileged);
int ids_setres(struct id_set *s, uint32_t real, uint32_t effective, uint32_t saved,
               bool privileged);
/* Never fails; returns what it was before. */
uint32_t ids_setfs(struct id_set *s, uint32_t id, bool privileged);

struct ids_table {
    struct ids **v; /* v[0]: of processes that never set any */
    size_t n;
};

/* The number of an equal entry, made when it is new; -EAGAIN when there are too many. */
int ids_intern(struct ids_table *t, const struct ids *ids);
/* The entry that a limit means; v[0] for one that is not ours. */
const struct ids *ids_by_limit(const struct ids_table *t, uint64_t limit);
uint64_t ids_limit(int number);
void ids_table_done(struct ids_table *t);
