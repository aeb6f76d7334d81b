/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, numbers and times in state.json. */
#include "engine/state.h"

#include "base/json.h"

#include <string.h>

json_t *state_process(const struct proc_id *id)
{
    return json_pack("{s:I, s:I, s:s}", "Pid", (json_int_t)id->pid, "StartTime",
                     (json_int_t)id->start_time, "BootId", id->boot_id);
}

void state_get_process(const json_t *state, const char *key, struct proc_id *ret)
{
    *ret = (struct proc_id){0};
    const json_t *p = json_object_get(state, key);
    const char *boot = json_get_string(p, "BootId", "");
    if (strlen(boot) != BOOT_ID_LEN)
        return;
    memcpy(ret->boot_id, boot, BOOT_ID_LEN + 1);
    ret->start_time = (uint64_t)state_get_int(p, "StartTime");
    ret->pid = (pid_t)state_get_int(p, "Pid");
}

int64_t state_get_int(const json_t *state, const char *key)
{
    return json_integer_value(json_object_get(state, key));
}

struct timespec state_get_time(const json_t *state, const char *key)
{
    struct timespec t = {0};
    time_parse(json_get_string(state, key, ""), &t);
    return t;
}
