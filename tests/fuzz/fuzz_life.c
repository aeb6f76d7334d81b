/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the first byte chooses a line of events.log (with filters behind a NUL) or a restart
 * policy. */
#include "base/json.h"
#include "engine/events.h"
#include "engine/restart_policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void event(const char *text, size_t size)
{
    auto_strv filters = {0};
    auto_json json_t *event = NULL;
    size_t len = strnlen(text, size);
    if (len < size)
        strv_split(&filters, text + len + 1, '\n');
    if (events_check_filters(&filters, NULL) < 0)
        return;
    struct events_options o = {.filters = &filters};
    events_parse(text, len, &o, &event, NULL);
}

static void policy(const char *text)
{
    auto_json json_t *policy = NULL;
    struct restart_history h = {0};
    if (restart_policy_parse(text, &policy, NULL) < 0)
        return;
    for (int code = 0; code < 8; code++)
        if (restart_policy_next(policy, code, 0, &h) < -1 || h.delay < 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (*data & 1)
        policy(text);
    else
        event(text, size - 1);
    free(text);
    return 0;
}
