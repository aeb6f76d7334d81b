/* SPDX-License-Identifier: Apache-2.0 */
/* Where registries.conf and what belongs to it are (registries_load()). */
#pragma once

#include "base/cleanup.h"

struct registries_paths {
    char *main;             /* NULL: there is none */
    const char *system_dir; /* drop-ins, read first; need not be there */
    char *user_dir;         /* the same, read after them; NULL without a home */
    char *aliases;          /* need not be there; NULL without a home */
};

void registries_paths_find(const char *stated, struct registries_paths *ret);
void registries_paths_done(struct registries_paths *p);
DEFINE_AUTO(registries_paths, registries_paths_done)
