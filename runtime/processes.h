/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container that runs, as /proc of the host tells. */
#pragma once

#include "base/err.h"
#include "base/proc.h"
#include "runtime/sandbox.h"

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_GROUPS_MAX 64

struct process_info {
    pid_t pid;                  /* on the host */
    pid_t inner, parent, group; /* in the container; parent 0: it has none there */
    uint32_t ruid, euid, rgid, egid, groups[PROCESS_GROUPS_MAX]; /* on the host */
    size_t n_groups;
    char state, comm[64];
    int tty; /* device number; 0: none */
    int nice, seccomp;
    uint64_t start; /* clock ticks since boot */
    uint64_t user_ticks,
        system_ticks; /* of CPU time; of ended children too when it waited for them */
    uint64_t child_ticks;
    uint64_t virtual_size, resident; /* bytes */
    uint64_t inheritable, permitted, effective, bounding, ambient;
};

/* All processes in the pid namespace of `init`; of a container that shares one, those in its mount
 * namespace. Sorted by their number in the container. The caller frees *ret. A container that
 * does not run is -ESRCH. */
int processes_read(const struct proc_id *init, struct process_info **ret, size_t *ret_n,
                   struct err *err);

/* Kills a process that joined the container of `init` as a subreaper (struct exec_target), with all
 * that it started, whatever sessions and parents those gave themselves. Takes 0.2 s at most. */
void processes_kill_tree(const struct proc_id *init, const struct proc_id *root);

/* The words of its command line with blanks between, "[comm]" for one without. Appended. */
struct buf;
void process_command(const struct process_info *p, struct buf *ret);

/* Bytes of memory that are the process's: of what it shares its share. */
uint64_t process_memory(const struct process_info *p);
/* Bytes read from and written to disks, of it and the children that it waited for. */
void process_disk_io(const struct process_info *p, uint64_t *ret_read, uint64_t *ret_written);
/* Bytes that came and went over the network interfaces, loopback aside, of its network namespace;
 * false when that is the host's. */
bool process_network_io(pid_t pid, uint64_t *ret_in, uint64_t *ret_out);
