/* SPDX-License-Identifier: Apache-2.0 */
/* Whether and when a container that ended is started again. */
#include "engine/restart_policy.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <string.h>

#define DELAY_MIN 100   /* ms */
#define DELAY_MAX 60000 /* ms */
#define LIVED     10000 /* ms */

static int invalid(const char *text, struct err *err)
{
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "invalid restart policy \"%s\": must be no, always, unless-stopped, on-failure "
                    "or on-failure:TIMES",
                    text);
}

int restart_policy_parse(const char *text, json_t **ret, struct err *err)
{
    static const char *const names[] = {"no", "always", "unless-stopped", "on-failure"};
    const char *colon = strchrnul(text, ':');
    auto_free char *name = xstrndup(text, (size_t)(colon - text));
    bool known = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        known |= strcmp(names[i], name) == 0;
    int64_t times = 0;
    if (*colon) {
        size_t digits = strspn(colon + 1, "0123456789");
        if (strcmp(name, "on-failure") != 0)
            return known ? err_kind(err, ERR_USAGE, -EINVAL,
                                    "restart policy retries can only be specified with on-failure "
                                    "restart policy")
                         : invalid(text, err);
        if (digits == 0 || digits > 9 || colon[1 + digits])
            return invalid(text, err);
        times = strtoll(colon + 1, NULL, 10);
    }
    if (!known)
        return invalid(text, err);
    *ret = json_pack("{s:s, s:I}", "Name", name, "MaximumRetryCount", (json_int_t)times);
    return 0;
}

int64_t restart_policy_next(const json_t *policy, int exit_code, int64_t lived,
                            struct restart_history *h)
{
    const char *name = json_get_string(policy, "Name", "no");
    int64_t times = json_integer_value(json_object_get(policy, "MaximumRetryCount"));
    bool failed_only = strcmp(name, "on-failure") == 0;
    if (strcmp(name, "no") == 0 || !*name)
        return -1;
    if (failed_only && (exit_code == 0 || (times > 0 && h->count >= times)))
        return -1;
    int64_t doubled = h->delay * 2 < DELAY_MAX ? h->delay * 2 : DELAY_MAX;
    h->delay = h->delay == 0 || lived >= LIVED ? DELAY_MIN : doubled;
    h->count++;
    return h->delay;
}
