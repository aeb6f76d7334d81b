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

int log_place_open(const struct store_container *c, struct log_place *ret, struct err *err);
void log_place_done(struct log_place *p);

DEFINE_AUTO(log_place, log_place_done)
