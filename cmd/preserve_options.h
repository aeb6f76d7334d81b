/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `exec` for descriptors of ours that the command gets. */
#pragma once

#include "engine/handover.h"

struct preserve_options {
    int64_t count;
    struct strv listed;
};

/* For a member `preserve` of `holder`. */
#define PRESERVE_OPTION_ROWS(holder)                                                               \
    OPT_CSV_ROW(0, "preserve-fd", holder, preserve.listed, "FD",                                   \
                "Let the command have this open file descriptor, under its number"),               \
    {                                                                                              \
        .type = OPT_INT, .name = "preserve-fds",                                                   \
        .offset = offsetof(struct holder, preserve.count), .value = "N",                           \
        .help = "Let the command have N open file descriptors, from 3 on", .min = 0,               \
        .max = HANDOVER_MAX                                                                        \
    }
