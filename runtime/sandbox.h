/* SPDX-License-Identifier: Apache-2.0 */
/* What a container is made of, resolved: no image, store or command-line notions are left here.
 * Plain data; all strings belong to whoever filled it and outlive the monitor's fork. None may lie
 * in argv's memory, which the monitor's title overwrites. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One line of /proc/PID/uid_map. */
struct id_range {
    uint32_t inside, outside, count;
};

#define ID_RANGES_MAX 32 /* of one side; the kernel takes 340 */

struct id_maps {
    bool single; /* one id each, written by ourselves; else by newuidmap and newgidmap */
    struct id_range uids[ID_RANGES_MAX], gids[ID_RANGES_MAX];
    size_t n_uids, n_gids;
};

/* Chooses the maps of the calling user: 0 is the user, 1... the subordinate ranges of /etc/subuid
 * and /etc/subgid when there are any and newuidmap and newgidmap are installed; else the single id.
 * WHERRY_SINGLE_ID=1 forces the single id. */
int id_maps_choose(struct id_maps *ret, struct err *err);

struct sandbox_mount {
    enum {
        MOUNT_BIND,
        MOUNT_TMPFS,
        MOUNT_SERVED, /* through monitor_ops.root_start, by its number */
    } kind;
    uint32_t number;    /* MOUNT_SERVED: 1...; each once, none left out */
    const char *source; /* MOUNT_BIND: absolute host path */
    const char
        *subpath;       /* what of it, not of a tmpfs, by links that lead inside of it; NULL: all */
    const char *target; /* absolute container path; made when missing */
    bool read_only, no_exec, no_suid, no_dev, recursive;
    bool no_links; /* `source` was resolved when it was chosen: a link in it now is an error */
    bool if_there; /* nothing happens when the target is missing */
    bool copy_up;  /* begins with what the target has; MOUNT_BIND: if the source is empty */
    const char *scratch; /* MOUNT_BIND: changes go to `upper` in this host directory, with `work`
                            beside it, in place of the source; NULL: to the source */
    bool chown;          /* everything in it is given to the container's user */
    unsigned long
        propagation;  /* MS_PRIVATE, MS_SLAVE... with MS_REC; 0: as the host's, from there */
    const char *data; /* MOUNT_TMPFS: "size=64k"; without a mode the target's, or 1777 */
};

/* --ulimit: of setrlimit(2); SANDBOX_LIMIT_MAX: as far as the process may go. */
struct sandbox_limit {
    int resource;
    uint64_t soft, hard;
};
#define SANDBOX_LIMIT_MAX UINT64_MAX

/* --sysctl: the file below /proc/sys ("net/ipv4/ip_forward"), checked to be of a namespace. */
struct sandbox_sysctl {
    const char *path, *value;
};

/* A device of the host, or a directory with devices: an absolute path there and in the container.
 */
struct sandbox_device {
    const char *source, *target;
};

/* What is done where a single id is not enough for what root asks; runtime/emulate.h. */
enum root_emulation {
    EMULATE_AUTO, /* with one id: record, or fixed where the kernel cannot notify; else none */
    EMULATE_RECORD,
    EMULATE_CONSISTENT, /* record, and show what was recorded */
    EMULATE_FIXED,
    EMULATE_NONE,
};

/* The namespaces that a container need not have for itself. */
enum ns_kind { NS_NET, NS_PID, NS_IPC, NS_UTS, NS_CGROUP, NS_USER, NS_KINDS };

struct sandbox_ns {
    enum {
        NS_PRIVATE,
        NS_HOST, /* that of the process which starts the monitor; never of NS_USER */
        NS_JOIN, /* `fd`; all that are joined belong to the joined user namespace */
    } mode;
    int fd;
};

/* Users that the image's /etc/passwd and group may not know. */
struct users {
    bool untouched;                         /* the files stay as they are */
    const char *name, *full_name;           /* of the command's user; NULL: none */
    const char *passwd_entry, *group_entry; /* templates of new lines; NULL: podman's */
    struct strv lines;                      /* more lines of passwd */
};

struct sandbox {
    const char *id;
    const char *hostname;
    const char *root_dir; /* absolute host directory that is the root (podman's --rootfs); NULL: the
                             root is served through monitor_ops.root_start */
    const char *work_dir; /* "" or "/": the root; made when missing */
    const char *user;     /* "name", "uid", "name:group", "uid:gid" or "": root. Names are looked up
                             in the container's /etc/passwd and /etc/group, by our own parser */
    struct strv groups;   /* more groups of the user, by name or number */
    bool keep_groups;     /* it has the groups of who starts the monitor, and no others */
    struct strv args;     /* the command; args.v[0] searched in the container's PATH */
    struct strv env;
    struct strv unset_env; /* of what every container has: PATH, TERM, container */
    bool unset_env_all;
    struct users users;
    bool tty;        /* a pseudo-terminal is stdin, stdout and stderr */
    bool keep_stdin; /* without tty: stdin is a pipe, else /dev/null */
    bool read_only;
    uint64_t caps;      /* capabilities to keep, bit by number; sandbox_default_caps() */
    uint64_t user_caps; /* of these what another user than root has too, ambient */
    bool privileged; /* nothing of /proc and /sys is hidden or read-only, all devices are there */
    bool seccomp_unconfined;
    const struct sock_filter *seccomp; /* NULL: the built policy (runtime/seccomp_profile.h) */
    size_t n_seccomp;
    bool no_new_privs;
    const char *proc_options; /* of the mount of /proc: "hidepid=2"; NULL: none */
    bool unmask_all;
    struct strv mask, unmask; /* more paths to cover; patterns (fnmatch) of those not to touch */
    uint64_t shm_size;        /* bytes, 0: 64000k */
    mode_t umask;             /* 0022 */
    const struct sandbox_limit *limits;
    size_t n_limits;
    const struct sandbox_sysctl *sysctls;
    size_t n_sysctls;
    const struct sandbox_device *devices;
    size_t n_devices;
    struct id_maps ids;
    enum root_emulation emulation;
    struct sandbox_ns ns[NS_KINDS];
    const int *kept_fds; /* close-on-exec descriptors of who starts the monitor that the command
                            has under the same numbers */
    size_t n_kept_fds;
    bool passes_stdio; /* without tty: `stdio` instead of pipes; -1: /dev/null */
    int stdio[3];
    bool no_shm;      /* nothing is mounted at /dev/shm */
    int shm_mount_ns; /* of NS_JOIN'ed IPC: the mount namespace whose /dev/shm goes with it; -1 */
    const struct cgroup *cgroup; /* of its own (runtime/cgroup.h); NULL: it is in that of who starts
                                    the monitor */
    bool adjust_oom_score;
    int oom_score; /* -1000 to 1000 */
    bool init;     /* a process of ours stays as process 1 (runtime/reaper.h) */
    const struct sandbox_mount *mounts;
    size_t n_mounts;
};

/* podman's default set (docs/security.md). */
uint64_t sandbox_default_caps(void);
