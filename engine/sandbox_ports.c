/* SPDX-License-Identifier: Apache-2.0 */
/* From HostConfig.PortBindings to what the network helper is to publish. */
#include "engine/sandbox_ports.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "engine/ports.h"

#include <string.h>

int sandbox_ports_read(const json_t *document, struct netns_port **ret, size_t *ret_n,
                       struct err *err)
{
    auto_free struct port_mapping *all = NULL;
    size_t n = 0;
    ports_read(document, &all, &n);
    if (n > NETNS_PORTS_MAX)
        return err_set(err, -E2BIG, "%zu ranges of ports are published; %d are the most", n,
                       NETNS_PORTS_MAX);
    struct netns_port *ports = n ? xcalloc(n, sizeof(*ports)) : NULL;
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_storage host;
        port_address(&all[i], 0, &host);
        ports[i] = (struct netns_port){.container_port = all[i].container_port,
                                       .count = all[i].count,
                                       .udp = all[i].protocol == PORT_UDP};
        memcpy(&ports[i].host, &host, sizeof(ports[i].host));
    }
    *ret = ports;
    *ret_n = n;
    return 0;
}
