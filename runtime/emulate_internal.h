/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the supervisor share. */
#pragma once

#include "base/cleanup.h"
#include "runtime/emulate.h"
#include "runtime/emulate_calls.h"

#include <linux/limits.h>
#include <linux/seccomp.h>
#include <sys/types.h>

struct emulator {
    int listener, init_fd;
    int proc;  /* the monitor's /proc, where processes have the numbers that the kernel tells us */
    dev_t dev; /* of the container's root, if our file server has it; else 0 */
    const struct id_maps *maps;
    uint64_t caps;
    uint32_t device_key; /* see emulate_owner.c; 0: not asked for yet */
    struct ids_table table;
    struct seccomp_notif *notif;
    struct seccomp_notif_resp *answer;
    size_t notif_size, answer_size; /* at least the kernel's */
};

/* The call at hand. What is read of its process may be of another one that has its number by now,
 * until call_valid() has said that it still waits: before that nothing is changed. */
struct call {
    struct emulator *e;
    const struct emulate_call *what;
    uint64_t id;
    pid_t pid; /* of the thread */
    uint64_t arg[6];
};

/* What a handler returns beside the value or negative errno that the call is to have. */
#define CALL_CONTINUE INT64_MIN /* the kernel shall do it */

bool call_valid(const struct call *c);

/* emulate_confine.c: gives up what the supervisor does not need. */
int emulate_confine(uint64_t caps, struct err *err);

/* emulate_target.c: reading the process, and finding what its arguments mean. */

/* Opens "PID/<name>" of the caller. Closed by the caller of this. */
int call_open(const struct call *c, const char *name, int flags);
/* -EFAULT when not all of it can be read. */
int call_read(const struct call *c, uint64_t address, void *data, size_t len);
int call_write(const struct call *c, uint64_t address, const void *data, size_t len);
/* A string with its NUL: -EFAULT, or -ENAMETOOLONG when it does not fit. */
int call_read_string(const struct call *c, uint64_t address, char *room, size_t size);
/* The caller's file-creation mask; -1: unknown. */
int call_umask(const struct call *c);

/* An O_PATH descriptor of the object that `path` means to the caller. `dirfd` as for openat(). */
int call_find(const struct call *c, int dirfd, const char *path, bool follow);
/* Of one of the caller's descriptors. */
int call_find_fd(const struct call *c, int fd);

/* The same by the address of the path in the caller; `empty`: "" means the descriptor. */
int call_find_by_address(const struct call *c, int dirfd, uint64_t address, bool follow,
                         bool empty);
/* Whether the object is one that our file server keeps. */
bool call_is_ours(const struct call *c, int fd);

/* What our file server has recorded of it. False: it does not say. */
bool call_recorded_owner(int fd, uint32_t *ret_uid, uint32_t *ret_gid);

/* emulate_owner.c, emulate_stat.c, emulate_user.c: the handlers. */
int64_t call_chown(struct call *c);
int64_t call_mknod(struct call *c);
int64_t call_setxattr(struct call *c);
int64_t call_stat(struct call *c);
int64_t call_access(struct call *c);
int64_t call_set_ids(struct call *c);
int64_t call_set_groups(struct call *c);
int64_t call_keep_caps(struct call *c);
int64_t call_get_ids(struct call *c);
int64_t call_get_groups(struct call *c);
/* An argument that is an id: old calls have 16 bits, whose -1 becomes ours (IDS_KEEP). */
uint32_t call_id(const struct call *c, uint64_t arg);
/* The ids that the caller believes to have. Lives as long as the table. */
const struct ids *call_ids(const struct call *c);
