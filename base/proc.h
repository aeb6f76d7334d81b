/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: who is who across pid reuse and reboots, and starting helpers.
 *
 * A pid alone names nobody: the kernel reuses it. A process is known by pid, start time (clock
 * ticks since boot, field 22 of /proc/PID/stat) and boot id together. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BOOT_ID_LEN 36

struct proc_id {
    pid_t pid; /* 0: nobody */
    uint64_t start_time;
    char boot_id[BOOT_ID_LEN + 1];
};

/* Fills *ret for a living process; -ESRCH when there is none. */
int proc_identify(pid_t pid, struct proc_id *ret, struct err *err);

/* A pidfd of exactly that process (a zombie counts as gone), or -ESRCH. The caller closes. */
int proc_open(const struct proc_id *id);

/* True when that very process lives. */
bool proc_alive(const struct proc_id *id);

/* Sends a signal to exactly that process: 0, or -ESRCH when it is gone. */
int proc_signal(const struct proc_id *id, int sig);

int pidfd_open_pid(pid_t pid);
int pidfd_signal(int pidfd, int sig);

/* clone(2) with these CLONE_ flags and a signal, otherwise as fork(): what fork() of libc does not
 * offer. -1 with errno. */
pid_t proc_clone(unsigned long flags);
/* The same, but the child begins its life in the cgroup whose directory this is. -1 with ENOSYS
 * before Linux 5.7, or where clone3 is forbidden. */
pid_t proc_clone_into(unsigned long flags, int cgroup);

/* Waits for a child: *ret_status as waitpid's. Retries on EINTR. */
int proc_wait(pid_t pid, int *ret_status);

/* Shell's view of a wait status: the exit code, or 128 + signal. */
int proc_exit_code(int wait_status);

/* Moves `fd` to at least `min`, CLOEXEC; closes the old. Returns the new fd or negative errno. */
int fd_move_up(int fd, int min);

/* Closes all descriptors from `first` on; where the kernel cannot (before Linux 5.9), those below
 * 4096. Allocates nothing. */
void fd_close_from(int first);

struct spawn {
    const char *path; /* what is executed; searched in PATH when it has no slash */
    char *const *argv;
    char *const *envp;                  /* NULL: our own */
    int stdin_fd, stdout_fd, stderr_fd; /* -1: inherited */
    const int *keep; /* descriptors the child shall have; they keep their numbers */
    size_t n_keep;
    bool new_session;     /* setsid() */
    bool die_with_parent; /* SIGKILL when the thread that spawned it ends */
};

/* Starts a program with all other descriptors closed and default signal dispositions. A program
 * that cannot be executed is reported here, not by the child's exit. Returns its pid. */
pid_t proc_spawn(const struct spawn *sp, struct err *err);

/* Runs a program to its end and captures at most 4 KiB of its stderr for the message when it exits
 * non-zero (-EIO). */
int proc_run(char *const *argv, struct err *err);

/* Absolute path of a program of ours ("overlay-fuse", "wherry-image", "wherry-netns"): beside the
 * running program, in ../libexec/wherry, or in the build tree. The caller frees. */
int program_find(const char *name, char **ret, struct err *err);

/* The title that ps shows: overwrites argv's memory, which proc_title_init() was told of. */
void proc_title_init(int argc, char **argv);
void proc_title(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
