/* SPDX-License-Identifier: Apache-2.0 */
/* The option of run, create and build for root emulation. */
#pragma once

#include "cmd/command.h"
#include "engine/emulation.h"

#define EMULATION_OPTION_ROW(holder)                                                               \
    OPT_CHOICE_ROW(0, "root-emulation", holder, root_emulation, "HOW",                             \
                   "With a single id: record owners for a commit (the default), show them as "     \
                   "well (consistent), give fixed answers, or none",                               \
                   EMULATION_WORDS)
