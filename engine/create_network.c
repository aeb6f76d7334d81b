/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a new container, as far as it is its own. */
#include "engine/create_network.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strv.h"
#include "engine/sandbox_network.h"
#include "netns/config.h"

#include <fcntl.h>
#include <string.h>

#define TUN "/dev/net/tun"

bool network_is_possible(struct err *ret_why)
{
    /* To look at its mode is not enough: the module may be missing, or a device cgroup say no. */
    auto_close int tun = open(TUN, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0)
        err_errno(ret_why, -errno, TUN);
    return tun >= 0;
}

/* What follows "slirp4netns:", or "" after "private"; NULL: another mode. */
static const char *own_network(const char *mode)
{
    static const char name[] = NETWORK_PRIVATE;
    if (strcmp(mode, "private") == 0)
        return "";
    if (strncmp(mode, name, strlen(name)) != 0)
        return NULL;
    mode += strlen(name);
    return *mode == ':' ? mode + 1 : *mode ? NULL : "";
}

static int put_options(const char *given, json_t *host, struct err *err)
{
    struct netns_config config;
    auto_strv options = {0};
    strv_split(&options, given, ',');
    netns_config_init(&config);
    strv_foreach (&options, option) {
        int r = netns_config_option(&config, option, err);
        if (r < 0)
            return r;
    }
    json_put(host, "NetworkOptions", json_from_strv(&options));
    return 0;
}

static int put_mac(const char *mac, json_t *host, struct err *err)
{
    struct netns_config config;
    netns_config_init(&config);
    int r = netns_config_mac(&config, mac, err);
    if (r == 0)
        json_put_string(host, "MacAddress", mac);
    return r;
}

int create_network(const struct network_options *o, json_t *host, struct err *err)
{
    const char *mode = o->mode && *o->mode ? o->mode : NETWORK_PRIVATE;
    const char *options = own_network(mode);
    if (strncmp(mode, "pasta", 5) == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "network \"%s\" is not supported: private is as fast without it", mode);
    if (!options && o->mac_address)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--mac-address needs a network of the container's own");
    if (!options)
        return 0;
    json_put_string(host, "NetworkMode", NETWORK_PRIVATE);
    int r = *options ? put_options(options, host, err) : 0;
    return r == 0 && o->mac_address ? put_mac(o->mac_address, host, err) : r;
}
