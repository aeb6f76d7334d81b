/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a seccomp profile in JSON. */
#include "spec/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct seccomp_place place = {.caps = 0x800405fb, .machine = "x86_64", .kernel = {6, 1}};
    auto_done(seccomp_policy) struct seccomp_policy policy = {0};
    struct err err = {0};
    seccomp_policy_parse((const char *)data, size, &place, &policy, &err);
    return 0;
}
