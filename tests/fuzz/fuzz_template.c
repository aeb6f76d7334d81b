/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a template over a fixed value. Input: "template" or "template NUL json". */
#include "base/json.h"
#include "cmd/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char standard[] =
    "{\"Id\":\"ab\",\"N\":3,\"F\":1.5,\"B\":true,\"Null\":null,\"L\":[1,\"x\",[2],{\"k\":\"v\"}],"
    "\"Labels\":{\"a\":\"1\",\"b\":\"2\"},\"State\":{\"Status\":\"up\"}}";

static void run_both(const struct template *t, const json_t *dot)
{
    auto_buf out = {0}, headings = {0};
    struct err err = {0};
    template_run(t, dot, &out, &err);
    template_run_headings(t, dot, &headings, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    const char *json = strlen(text) < size ? text + strlen(text) + 1 : standard;
    auto_json json_t *dot = NULL;
    struct template *t = NULL;
    if (json_parse(json, strlen(json), &dot, NULL) < 0)
        json_parse(standard, sizeof(standard) - 1, &dot, NULL);
    if (dot && template_parse(text, &t, NULL) == 0)
        run_both(t, dot);
    template_free(t);
    free(text);
    return 0;
}
