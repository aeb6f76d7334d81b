/* SPDX-License-Identifier: Apache-2.0 */
/* Where and what a container's log is, by its HostConfig.LogConfig. */
#pragma once

#include "base/cleanup.h"
#include "store/store.h"

struct log_place {
    int dir_fd; /* -1: there is no log */
    char *dir;  /* the same as a path */
    char *name; /* file in it; NAME.1 has what was before (runtime/log_file.h) */
    bool json;
    int64_t max;        /* bytes; 0: no limit */
    const char *driver; /* belongs to the container */
};

/* Whether the container writes straight to who starts it, and nobody reads along. */
bool log_passes(const struct store_container *c);

/* Our standard descriptors for such a container. */
struct log_pass {
    bool on;
    int fds[3]; /* -1: /dev/null */
};
#define LOG_PASS_NONE                                                                              \
    {                                                                                              \
        .fds = { -1, -1, -1 }                                                                      \
    }
/* Not `on` for any other. A terminal is only for passthrough-tty: else ERR_USAGE. */
int log_pass_open(const struct store_container *c, struct log_pass *ret, struct err *err);
void log_pass_done(struct log_pass *p);

int log_place_open(const struct store_container *c, struct log_place *ret, struct err *err);
void log_place_done(struct log_place *p);

DEFINE_AUTO(log_pass, log_pass_done)
DEFINE_AUTO(log_place, log_place_done)
