/* SPDX-License-Identifier: Apache-2.0 */
/* From HostConfig to the network that a container has of its own. */
#include "engine/sandbox_network.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "engine/network_files.h"

#include <arpa/inet.h>
#include <string.h>

#define JOINED_MAX 16 /* container:NAME that is container:NAME itself, and so on */

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

static bool open_joined(struct store *s, const json_t *document, struct store_container *ret)
{
    const char *mode = mode_of(json_object_get(document, "HostConfig"));
    return strncmp(mode, "container:", 10) == 0 &&
           store_container_find(s, mode + 10, ret, NULL) == 0;
}

/* What the network is like that a container has, of its own or over others. */
static bool find_network(struct store *s, const json_t *document, int more,
                         struct netns_config *ret)
{
    auto_done(store_container) struct store_container other = {0};
    int r = sandbox_network_read(document, ret, NULL);
    if (r != 0)
        return r == 1;
    return more && open_joined(s, document, &other) && find_network(s, other.config, more - 1, ret);
}

int sandbox_network_files(struct store *s, const struct store_container *c, const char *hostname,
                          struct err *err)
{
    auto_done(store_container) struct store_container other = {0};
    struct netns_config network;
    bool joined = open_joined(s, c->config, &other);
    bool has = find_network(s, c->config, JOINED_MAX, &network);
    return network_files_write(c->fd, hostname, c->name, json_object_get(c->config, "HostConfig"),
                               has ? &network : NULL, joined ? other.fd : -1, err);
}

bool network_reaches_host(const json_t *host)
{
    return strcmp(mode_of(host), "host") == 0 || strcmp(mode_of(host), NETWORK_PRIVATE) == 0;
}

json_t *network_inspect(const json_t *document)
{
    struct netns_config c;
    char address[INET_ADDRSTRLEN] = "", gateway[INET_ADDRSTRLEN] = "";
    char address6[INET6_ADDRSTRLEN] = "", gateway6[INET6_ADDRSTRLEN] = "";
    const char *mac = json_get_string(json_object_get(document, "HostConfig"), "MacAddress", "");
    bool has = sandbox_network_read(document, &c, NULL) == 1;
    if (has) {
        inet_ntop(AF_INET, &c.address, address, sizeof(address));
        inet_ntop(AF_INET, &c.gateway, gateway, sizeof(gateway));
    }
    if (has && c.ipv6) {
        inet_ntop(AF_INET6, &c.address6, address6, sizeof(address6));
        inet_ntop(AF_INET6, &c.gateway6, gateway6, sizeof(gateway6));
    }
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:{}}", "Gateway", gateway, "IPAddress",
                     address, "IPPrefixLen", has ? (int)c.prefix_len : 0, "IPv6Gateway", gateway6,
                     "GlobalIPv6Address", address6, "GlobalIPv6PrefixLen",
                     *address6 ? NETNS_PREFIX6_LEN : 0, "MacAddress", mac, "Networks");
}
