/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an image's Healthcheck, and the same bytes as --health-cmd. */
#include "spec/health.h"

#include "base/alloc.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_done(health_check) struct health_check h = {0};
    auto_strv test = {0}, command = {0}, again = {0};
    auto_json json_t *json = NULL;
    struct err err = {0};
    if (json_parse((const char *)data, size, &json, NULL) == 0 &&
        health_check_parse(json, &h, &err) == 0) {
        auto_json json_t *out = health_check_json(&h);
        health_test_command(&h.test, &command);
    }
    auto_free char *text = xstrndup((const char *)data, size);
    /* What was taken has a command, or is NONE. */
    if (health_test_parse(text, &test, &err) == 0 && health_test_command(&test, &again) < 0 &&
        test.len != 1)
        __builtin_trap();
    return 0;
}
