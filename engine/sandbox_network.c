/* SPDX-License-Identifier: Apache-2.0 */
/* From HostConfig to the network that a container has of its own. */
#include "engine/sandbox_network.h"

#include "base/json.h"

#include <string.h>

static const char *mode_of(const json_t *host)
{
    return json_get_string(host, "NetworkMode", "none");
}

int sandbox_network_read(const json_t *document, struct netns_config *ret, struct err *err)
{
    const json_t *host = json_object_get(document, "HostConfig");
    const json_t *options = json_object_get(host, "NetworkOptions");
    const char *mac = json_get_string(host, "MacAddress", NULL);
    if (strcmp(mode_of(host), NETWORK_PRIVATE) != 0)
        return 0;
    netns_config_init(ret);
    int r = mac ? netns_config_mac(ret, mac, err) : 0;
    for (size_t i = 0; r == 0 && i < json_array_size(options); i++) {
        const char *option = json_string_value(json_array_get(options, i));
        r = netns_config_option(ret, option ? option : "", err);
    }
    return r < 0 ? r : 1;
}

bool network_reaches_host(const json_t *host)
{
    return strcmp(mode_of(host), "host") == 0 || strcmp(mode_of(host), NETWORK_PRIVATE) == 0;
}
