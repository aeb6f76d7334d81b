/* SPDX-License-Identifier: Apache-2.0 */
/* A command that joins a running container. */
#pragma once

#include "runtime/join.h"
#include "runtime/launch.h"

/* What the monitor_options of an exec hold in place of a container that is to be made. Their
 * sandbox is the container's, with the command's own arguments, environment, user and directory. */
struct exec_target {
    struct join join;
    bool privileged; /* all capabilities, for root */
    bool subreaper;  /* what it starts stays below it while it lives (processes_kill_tree()) */
};

/* As launch(): the command has been executed when it returns 0; ret->init is its process, ret->io
 * its streams, and there is no server. */
int exec_launch(const struct monitor_options *o, const struct winsize *size, struct launched *ret,
                struct err *err);
