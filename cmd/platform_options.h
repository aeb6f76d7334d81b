/* SPDX-License-Identifier: Apache-2.0 */
/* --arch, --os, --platform and --variant: which of an image's platforms is meant. */
#pragma once

#include "cmd/command.h"
#include "spec/platform.h"

struct platform_values {
    char *arch, *os, *platform, *variant;
};

/* For a command whose values have a member `platform` of that type. */
#define PLATFORM_OPTION_ROWS(values)                                                               \
    OPT_STRING_ROW(0, "arch", values, platform.arch, "ARCH",                                       \
                   "Choose the image of this architecture"),                                       \
        OPT_STRING_ROW(0, "os", values, platform.os, "OS",                                         \
                       "Choose the image of this operating system"),                               \
        OPT_STRING_ROW(0, "platform", values, platform.platform, "OS/ARCH[/VARIANT]",              \
                       "Choose the image of this platform"),                                       \
        OPT_STRING_ROW(0, "variant", values, platform.variant, "VARIANT",                          \
                       "Choose the image of this variant of the architecture")

/* *ret stays empty when nothing was said. The caller frees it with platform_done(). */
int platform_from_values(const struct platform_values *v, struct platform *ret, struct err *err);
