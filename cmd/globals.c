/* SPDX-License-Identifier: Apache-2.0 */
/* The options before the command. */
#include "cmd/commands.h"

const struct opt command_globals[] = {
    OPT_LIST_ROW(0, "imagestore", global_values, image_stores, "DIR",
                 "Read-only store to find images in as well (may be given more than once)"),
    OPT_STRING_ROW(0, "log-level", global_values, log_level, "LEVEL",
                   "Log messages of this level: debug, info, warn or error"),
    OPT_STRING_ROW(0, "root", global_values, root, "DIR",
                   "Directory in which images and containers are stored"),
    OPT_STRING_ROW(0, "runroot", global_values, runroot, "DIR",
                   "Directory of what lives no longer than the machine is up"),
    OPT_BOOL_ROW('v', "version", global_values, version, "Print the version"),
    {0},
};
