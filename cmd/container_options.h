/* SPDX-License-Identifier: Apache-2.0 */
/* The options that `run` and `create` share. */
#pragma once

#include "cmd/command.h"
#include "cmd/emulation_options.h"
#include "cmd/environment_options.h"
#include "cmd/health_options.h"
#include "cmd/image_pull.h"
#include "cmd/life_options.h"
#include "cmd/mount_options.h"
#include "cmd/network_options.h"
#include "cmd/port_options.h"
#include "cmd/resource_options.h"
#include "cmd/sandbox_options.h"
#include "engine/container.h"

/* First member of both commands' values, so that the rows below fit both. */
struct container_values {
    struct strv env, env_files, labels, label_files, secrets;
    char *name, *work_dir, *user, *entrypoint, *hostname, *stop_signal, *cidfile;
    char *root_emulation;
    struct image_pull_values pull;
    struct mount_values mount;
    struct port_options ports;
    struct sandbox_options sandbox;
    struct resource_options resources;
    struct environment_options environment;
    struct life_options life;
    struct network_options network;
    struct health_options health;
    int64_t stop_timeout;
    bool tty, interactive, auto_remove, read_only, replace, rootfs;
};

#define CONTAINER_OPTION_ROWS                                                                      \
    PLATFORM_OPTION_ROWS(container_values, pull.platform),                                         \
        OPT_STRING_ROW(0, "authfile", container_values, pull.authfile, "FILE",                     \
                       "Credentials file for a pull"),                                             \
        OPT_STRING_ROW(0, "cidfile", container_values, cidfile, "FILE",                            \
                       "Write the container's ID to FILE"),                                        \
        OPT_STRING_ROW(0, "entrypoint", container_values, entrypoint, "COMMAND",                   \
                       "Replace the image's entrypoint (a word or a JSON array)"),                 \
        OPT_LIST_ROW('e', "env", container_values, env, "NAME=VALUE",                              \
                     "Set an environment variable (NAME alone: as here)"),                         \
        OPT_LIST_ROW(0, "env-file", container_values, env_files, "FILE",                           \
                     "Read environment variables from FILE"),                                      \
        OPT_STRING_ROW('h', "hostname", container_values, hostname, "NAME",                        \
                       "Set the container's host name"),                                           \
        OPT_BOOL_ROW('i', "interactive", container_values, interactive,                            \
                     "Keep standard input open"),                                                  \
        OPT_LIST_ROW('l', "label", container_values, labels, "NAME=VALUE",                         \
                     "Set a label on the container"),                                              \
        OPT_LIST_ROW(0, "label-file", container_values, label_files, "FILE",                       \
                     "Read labels from FILE, a NAME=VALUE a line"),                                \
        OPT_STRING_ROW(0, "name", container_values, name, "NAME", "Give the container a name"),    \
        OPT_CHOICE_ROW(0, "pull", container_values, pull.policy, "WHEN",                           \
                       "Pull the image first: always, missing (the default), newer or never",      \
                       "always|missing|newer|never"),                                              \
        OPT_BOOL_ROW('q', "quiet", container_values, pull.quiet, "Show no progress of a pull"),    \
        OPT_BOOL_ROW(0, "read-only", container_values, read_only,                                  \
                     "Make the container's root file system read-only"),                           \
        OPT_BOOL_ROW(0, "replace", container_values, replace,                                      \
                     "Remove a container of the same name first"),                                 \
        OPT_BOOL_ROW(0, "rm", container_values, auto_remove, "Remove the container when it ends"), \
        OPT_BOOL_ROW(0, "rootfs", container_values, rootfs,                                        \
                     "The first argument is a directory that is the root, not an image"),          \
        OPT_LIST_ROW(0, "secret", container_values, secrets, "NAME[,OPTION=VALUE]",                \
                     "Let the container have a secret: type=mount|env, target=, mode="),           \
        OPT_STRING_ROW(0, "stop-signal", container_values, stop_signal, "SIGNAL",                  \
                       "Signal that stops the container (default: the image's, or TERM)"),         \
        OPT_INT_ROW(0, "stop-timeout", container_values, stop_timeout, "SECONDS",                  \
                    "Seconds from the stop signal to the kill (default 10)"),                      \
        OPT_SWITCH_ROW(0, "tls-verify", container_values, pull.tls_verify,                         \
                       "Whether the certificates of a registry must be right"),                    \
        OPT_BOOL_ROW('t', "tty", container_values, tty, "Give the container a terminal"),          \
        OPT_STRING_ROW('u', "user", container_values, user, "USER[:GROUP]",                        \
                       "Run as this user of the container"),                                       \
        EMULATION_OPTION_ROW(container_values), MOUNT_OPTION_ROWS, PORT_OPTION_ROWS,               \
        SANDBOX_OPTION_ROWS, RESOURCE_OPTION_ROWS(container_values), CGROUP_OPTION_ROWS,           \
        ENVIRONMENT_OPTION_ROWS, LIFE_OPTION_ROWS, NETWORK_OPTION_ROWS, HEALTH_OPTION_ROWS,        \
        OPT_STRING_ROW('w', "workdir", container_values, work_dir, "DIR",                          \
                       "Working directory in the container")

/* Creates the container that the options and `args` (image, then the command) ask for. */
int container_options_create(struct invocation *in, const struct container_values *v,
                             const struct strv *args, struct store_container *ret, struct err *err);
