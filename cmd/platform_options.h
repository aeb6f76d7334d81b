/* SPDX-License-Identifier: Apache-2.0 */
/* --arch, --os, --platform and --variant: which of an image's platforms is meant. */
#pragma once

#include "cmd/command.h"
#include "spec/platform.h"

struct platform_values {
    char *arch, *os, *platform, *variant;
};

/* For the member `at` of that type of the command's values, a struct `holder`. */
#define PLATFORM_OPTION_ROWS(holder, at)                                                           \
    OPT_STRING_ROW(0, "arch", holder, at.arch, "ARCH", "Use the image of this architecture"),      \
        OPT_STRING_ROW(0, "os", holder, at.os, "OS", "Use the image of this operating system"),    \
        OPT_STRING_ROW(0, "platform", holder, at.platform, "OS/ARCH[/VARIANT]",                    \
                       "Use the image of this platform"),                                          \
        OPT_STRING_ROW(0, "variant", holder, at.variant, "VARIANT",                                \
                       "Use the image of this variant of the architecture")

/* *ret stays empty when nothing was said. The caller frees it with platform_done(). */
int platform_from_values(const struct platform_values *v, struct platform *ret, struct err *err);
