/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers a command is about: names, --all, --latest, --cidfile, --filter. */
#pragma once

#include "cmd/command.h"

struct select_values {
    bool all, latest;
    struct strv cidfiles, filters;
};

/* Rows for a command whose values have a member `select`. */
#define SELECT_ALL_ROW(text) OPT_BOOL_ROW('a', "all", values, select.all, text)
#define SELECT_LATEST_ROW    OPT_BOOL_ROW('l', "latest", values, select.latest, "The newest container")
#define SELECT_CIDFILE_ROW                                                                         \
    OPT_LIST_ROW(0, "cidfile", values, select.cidfiles, "FILE", "Read a container's ID from FILE")
#define SELECT_FILTER_ROW(letter)                                                                  \
    OPT_LIST_ROW(letter, "filter", values, select.filters, "KEY=VALUE",                            \
                 "Containers that match, by the filters of ps")

/* Appends names or ids: `args` and what the files hold, or the newest, or those that match all
 * filters and, with --all or a filter, whose status is in `states` (STATUS_BIT). Nothing chosen,
 * and contradictions, are ERR_USAGE. A file that is missing is -ENOENT, unless `ignore_missing`. */
int select_containers(struct invocation *in, const struct select_values *v, const struct strv *args,
                      unsigned states, bool ignore_missing, struct strv *ret, struct err *err);
