/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for the sandbox. */
#pragma once

#include "engine/create_sandbox.h"

/* For the member `sandbox`, a struct sandbox_options, of struct container_values. */
#define SANDBOX_OPTION_ROWS                                                                        \
    OPT_CSV_ROW(0, "cap-add", container_values, sandbox.cap_add, "CAPABILITY",                     \
                "Give the container this capability too (or ALL)"),                                \
        OPT_CSV_ROW(0, "cap-drop", container_values, sandbox.cap_drop, "CAPABILITY",               \
                    "Take this capability away (or ALL)"),                                         \
        OPT_STRING_ROW(0, "cgroupns", container_values, sandbox.cgroupns, "MODE",                  \
                       "Cgroup namespace: private, host, container:NAME or ns:PATH"),              \
        OPT_LIST_ROW(0, "device", container_values, sandbox.devices, "HOST[:CONTAINER[:rwm]]",     \
                     "Let the container use a device of the host, or those of a directory"),       \
        OPT_LIST_ROW(0, "gidmap", container_values, sandbox.gidmaps, "CONTAINER:ID:COUNT",         \
                     "Map group ids: 0 is you, 1... your subordinate ids"),                        \
        OPT_CSV_ROW(0, "group-add", container_values, sandbox.group_add, "GROUP",                  \
                    "Give the user this group too (keep-groups: those that you have)"),            \
        OPT_BOOL_ROW(0, "init", container_values, sandbox.init,                                    \
                     "Run a small init as process 1, which passes signals on and reaps"),          \
        OPT_STRING_ROW(                                                                            \
            0, "ipc", container_values, sandbox.ipc, "MODE",                                       \
            "IPC namespace: shareable (the default), private, none (no /dev/shm), host, "          \
            "container:NAME or ns:PATH"),                                                          \
        OPT_STRING_ROW(0, "pid", container_values, sandbox.pid, "MODE",                            \
                       "PID namespace: private, host, container:NAME or ns:PATH"),                 \
        OPT_BOOL_ROW(0, "privileged", container_values, sandbox.privileged,                        \
                     "All capabilities and devices, nothing hidden, no seccomp policy"),           \
        OPT_SWITCH_ROW(                                                                            \
            0, "read-only-tmpfs", container_values, sandbox.read_only_tmpfs,                       \
            "With --read-only: a writable tmpfs on /run, /tmp and /var/tmp (default true)"),       \
        OPT_LIST_ROW(0, "security-opt", container_values, sandbox.security_opt, "OPTION",          \
                     "seccomp=FILE|unconfined, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, "  \
                     "proc-opts=OPTIONS, label=disable"),                                          \
        OPT_STRING_ROW(0, "shm-size", container_values, sandbox.shm_size, "SIZE",                  \
                       "Size of /dev/shm (default 64000k)"),                                       \
        OPT_LIST_ROW(0, "sysctl", container_values, sandbox.sysctls, "NAME=VALUE",                 \
                     "Set a sysctl of the container's own namespaces"),                            \
        OPT_LIST_ROW(0, "ulimit", container_values, sandbox.ulimits, "NAME=SOFT[:HARD]",           \
                     "Set a resource limit (host: all as here)"),                                  \
        OPT_LIST_ROW(0, "uidmap", container_values, sandbox.uidmaps, "CONTAINER:ID:COUNT",         \
                     "Map user ids: 0 is you, 1... your subordinate ids"),                         \
        OPT_STRING_ROW(0, "umask", container_values, sandbox.umask, "MODE",                        \
                       "Umask of the container (default 0022)"),                                   \
        OPT_STRING_ROW(0, "userns", container_values, sandbox.userns, "MODE",                      \
                       "User namespace: host, keep-id[:uid=,gid=], nomap, auto[:OPTIONS], "        \
                       "container:NAME or ns:PATH"),                                               \
        OPT_STRING_ROW(0, "uts", container_values, sandbox.uts, "MODE",                            \
                       "UTS namespace: private, host, container:NAME or ns:PATH")
