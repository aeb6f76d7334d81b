/* SPDX-License-Identifier: Apache-2.0 */
/* How long a new container lives and what becomes of its output. */
#include "engine/create_life.h"

#include "base/json.h"
#include "engine/restart_policy.h"

#include <string.h>

int create_life(const struct life_options *o, json_t *document, struct err *err)
{
    json_t *host = json_object_get(document, "HostConfig"), *policy;
    int r = restart_policy_parse(o->restart ? o->restart : "no", &policy, err);
    if (r < 0)
        return r;
    bool restarts = strcmp(json_get_string(policy, "Name", ""), "no") != 0;
    json_put(host, "RestartPolicy", policy);
    if (restarts && json_is_true(json_object_get(host, "AutoRemove")))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "the --rm option conflicts with --restart, when the restartPolicy is not "
                        "\"\" and \"no\"");
    json_put(json_object_get(document, "Config"), "Timeout", json_integer(o->timeout));
    return 0;
}
